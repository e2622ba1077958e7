using Processor.Registry;

namespace Processor.Execution;

/// <summary>A piece of an answer, or what the answer cost so far.</summary>
/// <param name="Text">The piece; empty when there is only usage.</param>
/// <param name="InputTokens">Tokens read in all, once known.</param>
/// <param name="OutputTokens">Tokens written in all, once known.</param>
internal readonly record struct ModelChunk(string Text, long? InputTokens = null, long? OutputTokens = null);

/// <summary>Makes answers in one mode.</summary>
internal interface IModelRunner
{
    IAsyncEnumerable<ModelChunk> RunAsync(
        RunRequest request, RegistryFile registry, CancellationToken cancellationToken);
}
