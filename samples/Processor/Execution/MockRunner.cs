using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Processor.Configuration;
using Processor.Registry;

namespace Processor.Execution;

/// <summary>Answers with what it was asked, word by word: no secret, no network, always the same.</summary>
internal sealed class MockRunner(IOptions<ProcessorOptions> options, TimeProvider time) : IModelRunner
{
    private readonly MockOptions _options = options.Value.Mock;

    public async IAsyncEnumerable<ModelChunk> RunAsync(
        RunRequest request, RegistryFile registry, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string asked = request.Messages.LastOrDefault(message => message.Role == ChatRole.User)?.Text
            ?? request.Messages[^1].Text;
        string answer = "Mock response: " + Cut(asked, _options.MaxEcho);
        int start = 0;
        while (start < answer.Length)
        {
            int end = answer.IndexOf(' ', start);
            end = end < 0 ? answer.Length : end + 1;
            yield return new ModelChunk(answer[start..end]);
            start = end;
            if (_options.TokenDelay > TimeSpan.Zero)
            {
                await Task.Delay(_options.TokenDelay, time, cancellationToken);
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    // Never through the middle of a character of two halves.
    private static string Cut(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        bool isHalf = char.IsHighSurrogate(text[length - 1]);
        return text[..(isHalf ? length - 1 : length)];
    }
}
