"""What other systems send by themselves: who they are, and what they say. Nothing here acts."""
