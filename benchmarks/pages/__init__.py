"""How quickly the page of a long release is drawn, and what it weighs."""
