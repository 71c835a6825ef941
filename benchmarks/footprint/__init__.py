"""What Headgate costs a host: memory of the controller, the process daemon and the proxy; time of the commands."""
