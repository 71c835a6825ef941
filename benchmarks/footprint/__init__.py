"""What Headgate costs a host: memory of its processes, and the time of `status`, with ten services."""
