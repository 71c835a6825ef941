"""What moving traffic costs: clients while weights change, and the time until the proxy has confirmed."""
