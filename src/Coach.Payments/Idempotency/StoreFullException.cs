namespace Coach.Payments.Idempotency;

/// <summary>A store is full of records that may not be dropped.</summary>
internal sealed class StoreFullException(string message) : InvalidOperationException(message);
