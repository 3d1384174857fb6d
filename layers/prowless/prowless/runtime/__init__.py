"""The only place that knows it is Lambda: settings, composition, error mapping."""
