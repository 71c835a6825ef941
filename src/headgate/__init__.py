"""Release safety for production deploys: every release is reproducible, observable and reversible."""

__version__ = "0.1.0"
