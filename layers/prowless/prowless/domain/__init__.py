"""The rules and values of CI: pure, without clock, environment or network."""
