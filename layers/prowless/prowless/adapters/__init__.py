"""The world behind the ports; siblings do not know each other."""
