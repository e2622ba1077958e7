using Coach.Llm.Core;

namespace Coach.Llm.Resilience;

/// <summary>Is told which of a session's keys a provider refuses, and which it takes.</summary>
internal interface IKeyWatch
{
    ValueTask RefusedAsync(
        SessionId session, ApiKey key, LlmException failure, CancellationToken cancellationToken);

    /// <summary>The failure of a call for a model that the key does not have, with the nearest that it has.</summary>
    ValueTask<LlmException> AdvisedAsync(
        SessionId session, ApiKey key, LlmException failure, string model, CancellationToken cancellationToken);

    void Accepted(SessionId session, ApiKey key);

    /// <summary>Whether a failure says that the provider does not take the key.</summary>
    static bool IsRefusal(LlmException failure) =>
        failure.KeyStatus is { } status && KeyStatuses.IsAuthentic(status) == false;
}
