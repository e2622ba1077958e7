using Microsoft.Extensions.AI;

namespace Coach.Usage.Chat;

/// <summary>
/// Counts one attempt while its updates go by: the provider's numbers where it gave some, an estimate of the rest where
/// the answer broke off.
/// </summary>
internal sealed class UsageTally(IEnumerable<ChatMessage> messages, ChatOptions? options)
{
    private readonly UsageDetails _counted = new();
    private UsageDetails? _running;
    private bool _isCounted;
    private long _sinceCount;
    private bool _hasOutput;

    /// <summary>The model as the provider named it, else as it was asked for.</summary>
    public string? Model { get; private set; } = options?.ModelId;

    public void Add(ChatResponse response)
    {
        Model = response.ModelId ?? Model;
        foreach (ChatMessage message in response.Messages)
        {
            Add(message.Contents);
        }

        if (response.Usage is { } usage)
        {
            Add(usage);
        }
    }

    public void Add(ChatResponseUpdate update)
    {
        Model = update.ModelId ?? Model;
        Add(update.Contents);
        TakeRunning(update);
        if (_running is not null)
        {
            Add(_running);
        }
    }

    /// <summary>What it used, and whether a part of that is an estimate.</summary>
    /// <param name="outcome">How it ended. An answer that is whole is counted as the provider counted it.</param>
    public (UsageCounts Counts, bool IsEstimated) Result(UsageOutcome outcome)
    {
        bool hasInput = _counted.InputTokenCount > 0 || _counted.TotalTokenCount > 0;
        if (outcome == UsageOutcome.Completed && _isCounted && hasInput)
        {
            return (UsageCounts.From(_counted), false);
        }

        // Refused before a word: providers do not charge for an error. A stopped one was being worked on.
        if (outcome == UsageOutcome.Failed && !_hasOutput && !_isCounted)
        {
            return (new UsageCounts { Requests = 1 }, false);
        }

        UsageCounts counts = UsageCounts.From(_counted);
        long input = hasInput ? 0 : TokenEstimate.Of(messages, options);
        return (
            counts with { Input = counts.Input + input, Output = counts.Output + _sinceCount },
            input > 0 || _sinceCount > 0);
    }

    // It is for whoever counts, and no part of the answer that is kept.
    private void TakeRunning(ChatResponseUpdate update)
    {
        if (update.AdditionalProperties is not { } properties
            || !properties.Remove(UsageProperties.Running, out object? counted))
        {
            return;
        }

        _running = counted as UsageDetails ?? _running;
        update.AdditionalProperties = properties.Count > 0 ? properties : null;
    }

    private void Add(IList<AIContent> contents)
    {
        // Not by foreach over the interface: this runs for each chunk of every stream.
        for (int i = 0; i < contents.Count; i++)
        {
            if (contents[i] is not UsageContent)
            {
                _hasOutput = true;
            }
        }

        _sinceCount += TokenEstimate.Of(contents);
        for (int i = 0; i < contents.Count; i++)
        {
            if (contents[i] is UsageContent usage)
            {
                Add(usage.Details);
            }
        }
    }

    // The largest, not the sum: providers send running totals, some of them more than once.
    private void Add(UsageDetails details)
    {
        _isCounted = true;
        if (details.OutputTokenCount > (_counted.OutputTokenCount ?? 0))
        {
            _sinceCount = 0;
        }

        _counted.InputTokenCount = Most(_counted.InputTokenCount, details.InputTokenCount);
        _counted.OutputTokenCount = Most(_counted.OutputTokenCount, details.OutputTokenCount);
        _counted.TotalTokenCount = Most(_counted.TotalTokenCount, details.TotalTokenCount);
        _counted.CachedInputTokenCount = Most(_counted.CachedInputTokenCount, details.CachedInputTokenCount);
        _counted.ReasoningTokenCount = Most(_counted.ReasoningTokenCount, details.ReasoningTokenCount);
        foreach ((string name, long count) in details.AdditionalCounts ?? [])
        {
            AdditionalPropertiesDictionary<long> counts = _counted.AdditionalCounts ??= [];
            counts[name] = Math.Max(count, counts.GetValueOrDefault(name));
        }
    }

    private static long? Most(long? left, long? right) => left is null || right > left ? right ?? left : left;
}
