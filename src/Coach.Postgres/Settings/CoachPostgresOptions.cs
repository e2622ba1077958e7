using Coach.Abstractions;

namespace Coach.Postgres;

/// <summary>What must outlive any replica, in PostgreSQL: the section <c>Coach:Postgres</c>.</summary>
public sealed class CoachPostgresOptions
{
    /// <summary>Where PostgreSQL is, as Npgsql writes it: <c>Host=…;Database=…;Username=…;Password=…</c>.</summary>
    /// <value><c>ConnectionStrings:Coach</c> unless set.</value>
    public string ConnectionString { get; set; } = "";

    /// <summary>The schema that holds the tables: hosts that share a database but not this name do not meet.</summary>
    /// <value>1 to 63 characters from <c>a–z 0–9 _</c>, not a digit first; <c>coach</c> unless set.</value>
    public string Schema { get; set; } = "coach";

    /// <summary>
    /// Whether the tables are brought up to date by the first replica that starts. If not, a role that may create them
    /// runs <see cref="CoachPostgresMigrations.ApplyAsync"/> before.
    /// </summary>
    /// <value>True unless set.</value>
    public bool Migrate { get; set; } = true;

    /// <summary>How long one call may take.</summary>
    /// <value>100 milliseconds to 60 seconds; 2 seconds unless set.</value>
    public TimeSpan TimeLimit { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>After how many failures in a row calls are refused at once.</summary>
    /// <value>1 to 100; 3 unless set.</value>
    public int FailuresBeforeBreak { get; set; } = 3;

    /// <summary>How long they are refused until one call tries again.</summary>
    /// <value>100 milliseconds to 5 minutes; 1 second unless set.</value>
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether a session was ended, while PostgreSQL is away; not used where Redis keeps them.</summary>
    /// <value><see cref="StoreFailurePolicy.FallBackToProcess"/> unless set: the ends that this process knows
    /// hold.</value>
    public StoreFailurePolicy EndedSessionsWhenAway { get; set; } = StoreFailurePolicy.FallBackToProcess;

    /// <summary>
    /// Where a replica listens for hints that the log of documents has grown (<c>LISTEN</c>): one connection for each
    /// knowledge base, which must lead to PostgreSQL itself and not to PgBouncer. With hints a change is seen at once
    /// and looked for every 10 seconds else; without them it is looked for every second.
    /// </summary>
    /// <value>As <see cref="ConnectionString"/>; null unless set: nobody listens.</value>
    public string? ListenConnectionString { get; set; }

    /// <summary>How often what has expired is removed.</summary>
    /// <value>1 second to 1 day; 10 minutes unless set.</value>
    public TimeSpan PruneInterval { get; set; } = TimeSpan.FromMinutes(10);
}
