"""From the evidence of one metric to its part in the decision, and what keeps a pass back."""
