namespace Coach.AspNetCore;

/// <summary>What is to be written from one collection. Called on the collecting thread, inside the collection.</summary>
internal interface IPageOrders
{
    /// <summary>The next format that is wanted; false when there is none, after which none follows.</summary>
    /// <param name="openMetrics">OpenMetrics or text.</param>
    /// <param name="committed">Takes each piece of the page as soon as it is final; null when nobody needs it early.</param>
    bool TryNext(out bool openMetrics, out Action<ReadOnlyMemory<byte>>? committed);

    /// <summary>The page of that format is written; the receiver owns it.</summary>
    void Done(bool openMetrics, PageBody page);

    /// <summary>The page of that format could not be written.</summary>
    void Failed(bool openMetrics, Exception exception);
}
