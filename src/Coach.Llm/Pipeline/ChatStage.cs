namespace Coach.Llm;

/// <summary>
/// The stages of a chat pipeline, from the caller's side to the provider's. Those down to <see cref="Fallback"/> see a
/// question once; those below it see each attempt at a provider.
/// </summary>
public enum ChatStage
{
    /// <summary>Earlier turns are put before the question; question and answer are kept.</summary>
    History,

    /// <summary>Questions and answers are checked by the host's <see cref="IChatGuard"/>s.</summary>
    Guards,

    /// <summary>Calls of the host's tools are run, and the model is asked again with their results.</summary>
    Tools,

    /// <summary>Passages of documents are put before the question.</summary>
    Rag,

    /// <summary>A model call is reserved from the caller's budget.</summary>
    Budget,

    /// <summary>Another provider is asked when one fails. Built in; the mock stands here in mock mode.</summary>
    Fallback,

    /// <summary>What an attempt used is settled.</summary>
    Usage,

    /// <summary>The session's own rate and concurrency limits. Built in.</summary>
    SessionLimits,

    /// <summary>Retries and the provider's client. Built in.</summary>
    Provider,
}
