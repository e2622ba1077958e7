namespace Coach.Llm;

/// <summary>What a caller chooses for one question.</summary>
public sealed record ChatTurnOptions
{
    /// <summary>
    /// The provider to ask first, by a name of <see cref="ProviderNames"/> or of the host's own; the session's others
    /// stay behind it. A mock pipeline asks nobody.
    /// </summary>
    /// <value>Null: in the configured order.</value>
    public string? Provider { get; init; }

    /// <summary>
    /// The turn of the conversation, from 1, that the question is asked in place of. It and all later ones are
    /// forgotten once the new answer is whole; a number beyond the conversation's end replaces nothing.
    /// </summary>
    /// <value>Null: it is a new turn.</value>
    public int? ReplacedTurn { get; init; }

    /// <summary>
    /// Keys of the host's own, one a provider, such as those of <see cref="HostKeys"/>, for a session that has none.
    /// That the host pays then stands in <see cref="ChatPipelineContext.IsHostPaid"/>: keep a budget for each caller,
    /// and tell it. A mock pipeline uses none.
    /// </summary>
    /// <value>None: a session without a key is answered by the mock, or not at all.</value>
    public IReadOnlyList<ApiKey> HostKeys { get; init; } = [];
}
