"""Who reaches which version: data planes."""
