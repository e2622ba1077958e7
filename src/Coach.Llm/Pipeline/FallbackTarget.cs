using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>One of the clients a <see cref="FallbackChatClient"/> chooses from.</summary>
/// <param name="Name">Its name in responses, logs and metrics: from a small closed set, such as the provider's
/// name.</param>
/// <param name="Client">The client. It is disposed with the <see cref="FallbackChatClient"/> unless that was told to
/// leave it.</param>
/// <param name="ModelId">The model to ask this target for, in place of the request's; null leaves the request's on the
/// first target and lets others use their own.</param>
public sealed record FallbackTarget(string Name, IChatClient Client, string? ModelId = null);
