using Coach.Usage;
using Processor.Registry;

namespace Processor.Execution;

/// <summary>A piece of an answer, or what the answer cost so far.</summary>
/// <param name="Text">The piece; empty when there is only usage.</param>
/// <param name="Usage">What was used in all, once known.</param>
internal readonly record struct ModelChunk(string Text, UsageCounts? Usage = null);

/// <summary>Makes answers in one mode.</summary>
internal interface IModelRunner
{
    IAsyncEnumerable<ModelChunk> RunAsync(
        RunRequest request, RegistryFile registry, CancellationToken cancellationToken);
}
