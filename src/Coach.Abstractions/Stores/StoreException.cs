namespace Coach.Abstractions;

/// <summary>A store that replicas share did not answer. Code <c>ERR_STORE_UNAVAILABLE</c>.</summary>
public sealed class StoreException : CoachException
{
    /// <summary>Says which store is away.</summary>
    /// <param name="store">Its name from a closed set, in snake case, such as <c>redis</c>.</param>
    /// <param name="doing">What was asked of it, such as <c>decide a rate limit</c>; no key, no user text.</param>
    /// <param name="innerException">The cause, if it carries nothing secret.</param>
    public StoreException(string store, string doing, Exception? innerException = null)
        : base(
            ErrorCodes.StoreUnavailable,
            $"The store '{store}' did not answer when it was asked to {doing}. Check that it runs and can be reached; the same call may succeed then.",
            innerException)
    {
        ArgumentException.ThrowIfNullOrEmpty(store);
        Store = store;
    }

    /// <summary>The store's name.</summary>
    public string Store { get; }

    /// <inheritdoc />
    public override bool IsTransient => true;
}
