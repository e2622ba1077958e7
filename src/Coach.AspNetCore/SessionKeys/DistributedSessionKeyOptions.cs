namespace Coach.AspNetCore;

/// <summary>Session keys in a distributed cache.</summary>
public sealed class DistributedSessionKeyOptions
{
    /// <summary>
    /// The application's name. Applications that share a cache and a key ring but not this name cannot read each
    /// other's keys; replicas of one application must share it.
    /// </summary>
    /// <value>1 to 100 characters; <c>coach</c> unless set.</value>
    public string Application { get; set; } = "coach";

    /// <summary>
    /// How old a key's recorded last use may get before it is written again: reads in between cost no write. The
    /// sliding lifetime may end earlier by this much.
    /// </summary>
    /// <value>0 to 10 minutes; 1 minute unless set. A tenth of the sliding lifetime, if that is shorter.</value>
    public TimeSpan TouchInterval { get; set; } = TimeSpan.FromMinutes(1);
}
