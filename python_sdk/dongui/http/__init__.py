"""HTTP between the SDK and the collector: client, batches, delivery, circuit breaker."""
