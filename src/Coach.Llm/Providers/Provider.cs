using Coach.Llm.Core;

namespace Coach.Llm.Providers;

/// <summary>
/// All that Coach knows of one provider: its protocols, its errors, its keys and how to ask about one. Each lives in a
/// folder of its own below <c>Protocols</c>; a new one is such a folder and one line in <c>BuiltInProviders</c>.
/// </summary>
/// <param name="name">Its name in settings, keys and telemetry: one of <see cref="ProviderNames"/>.</param>
/// <param name="title">Its name as people read it.</param>
internal abstract class Provider(string name, string title)
{
    public string Name { get; } = name;

    public string Title { get; } = title;

    /// <summary>Its section of <c>Coach:Llm</c>.</summary>
    public virtual string Section => Title;

    /// <summary>The host's own key among its secrets; null if there is no usual name.</summary>
    public virtual string? SecretName => null;

    /// <summary>How its keys begin. Advice only: formats change without notice.</summary>
    public virtual IReadOnlyList<string> KeyPrefixes => [];

    /// <summary>How its admin keys begin, which cannot be used to generate.</summary>
    public virtual IReadOnlyList<string> AdminKeyPrefixes => [];

    /// <summary>How its OAuth tokens begin.</summary>
    public virtual IReadOnlyList<string> TokenPrefixes => [];

    /// <summary>
    /// A longer wait for a rate limit means that the quota is used up; null where the provider's word is good.
    /// </summary>
    public virtual TimeSpan? LongestRateLimit => null;

    /// <summary>The request that asks about a key without costing tokens.</summary>
    public abstract KeyValidationRequest KeyRequest { get; }

    /// <summary>
    /// A chat request without messages: it is refused for that by who knows the key, and for the key by who does not.
    /// Null if there is no such question.
    /// </summary>
    public virtual KeyValidationRequest? ChatKeyRequest => null;

    /// <summary>
    /// Whether it is known that <see cref="KeyRequest"/> is refused to keys that do not exist. Of another server than
    /// the provider's own it is not: its list may be public, or missing.
    /// </summary>
    public virtual bool IsListClosed => true;

    /// <summary>The models that the host set; none where each request names its own.</summary>
    public virtual IReadOnlyList<string> ConfiguredModels => [];

    /// <summary>A deeper question, also free of charge; null if there is none.</summary>
    public virtual KeyValidationRequest? DeepKeyRequest => null;

    /// <summary>Whether it also takes the keys of another provider.</summary>
    public virtual bool TakesKeysOf(string other) => other == Name;

    /// <summary>What a failure means; null where the status alone decides.</summary>
    public abstract ErrorClassification? Classify(int status, ErrorBody body);

    /// <summary>
    /// Whether a body is whole and in the form of the provider's own errors. What only says "Forbidden" may come from
    /// any gateway on the way.
    /// </summary>
    public virtual bool IsOwnError(ErrorBody body) => body.IsComplete && body.HasDetails;

    /// <summary>Its chat protocol; null if it has none.</summary>
    public virtual ChatProtocol? CreateChat() => null;

    /// <summary>Its embedding protocol; null if it has none.</summary>
    public virtual EmbeddingProtocol? CreateEmbedding() => null;

    /// <summary>Its speech protocol; null if it has none.</summary>
    public virtual SpeechProtocol? CreateSpeech() => null;
}
