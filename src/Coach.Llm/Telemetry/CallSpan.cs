using System.Diagnostics;
using Coach.Llm.Providers;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Telemetry;

/// <summary>One call as telemetry sees it: a client span and what the histograms need.</summary>
internal sealed class CallSpan : IDisposable
{
    private readonly LlmTelemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly Activity? _activity;
    private readonly TagList _tags;
    private readonly string _operation;
    private readonly long _start;
    private long _lastChunk;
    private bool _hasChunk;
    private string? _error;
    private UsageDetails? _usage;
    private Secret? _captureKey;
    private int _maxContent;
    private List<ChatResponseUpdate>? _updates;

    public CallSpan(
        LlmTelemetry telemetry, TimeProvider time, string operation, string provider, string model, Uri? server)
    {
        _telemetry = telemetry;
        _time = time;
        _operation = operation;
        _start = _lastChunk = time.GetTimestamp();
        string label = telemetry.ModelLabel(model);
        _tags = new TagList
        {
            { GenAINames.OperationName, operation },
            { GenAINames.ProviderName, provider },
            { GenAINames.RequestModel, label },
        };
        if (server is not null)
        {
            _tags.Add(GenAINames.ServerAddress, server.Host);
            _tags.Add(GenAINames.ServerPort, server.Port);
        }

        _activity = LlmTelemetry.Source.StartActivity($"{operation} {label}", ActivityKind.Client);
        if (_activity is not null)
        {
            foreach ((string name, object? value) in _tags)
            {
                _activity.SetTag(name, value);
            }
        }
    }

    /// <summary>Whether anyone sees the span; if not, what would be said on it need not be found out.</summary>
    public bool IsRecorded => _activity is { IsAllDataRequested: true };

    /// <summary>Says what is asked for, as it is sent: the configured settings where the caller gave none.</summary>
    public void Describe(
        ChatOptions? options, bool isStream, int? maxOutputTokens, float? temperature, float? topP)
    {
        _activity?.SetTag(GenAINames.RequestStream, isStream);
        Set(GenAINames.RequestMaxTokens, maxOutputTokens);
        Set(GenAINames.RequestTemperature, temperature);
        Set(GenAINames.RequestTopP, topP);
        if (options?.StopSequences is { Count: > 0 } stops)
        {
            _activity?.SetTag(GenAINames.RequestStopSequences, stops.ToArray());
        }

        if (options?.ConversationId is { Length: > 0 } conversation)
        {
            _activity?.SetTag(GenAINames.ConversationId, conversation);
        }
    }

    /// <summary>
    /// From now on the span holds what is said. To be called at the beginning, where the host allows it.
    /// </summary>
    public void Capture(IEnumerable<ChatMessage> messages, ChatOptions? options, Secret key, int maxLength)
    {
        if (_activity is not { IsAllDataRequested: true })
        {
            return;
        }

        (_captureKey, _maxContent) = (key, maxLength);
        _activity.SetTag(
            GenAINames.SystemInstructions, MessageCapture.System(options?.Instructions, messages, key, maxLength));
        _activity.SetTag(GenAINames.InputMessages, MessageCapture.Input(messages, key, maxLength));
    }

    public void Chunk(ChatResponseUpdate update)
    {
        if (_captureKey is not null)
        {
            (_updates ??= []).Add(update);
        }

        IList<AIContent> contents = update.Contents;
        for (int i = 0; i < contents.Count; i++) // foreach would allocate an enumerator for each update
        {
            if (contents[i] is UsageContent usage)
            {
                _usage = usage.Details;
            }
        }

        if (!_hasChunk)
        {
            _hasChunk = true;
            TimeSpan time = _time.GetElapsedTime(_start);
            _telemetry.FirstChunk(_tags, time);
            _activity?.SetTag(GenAINames.ResponseTimeToFirstChunk, time.TotalSeconds);
            _activity?.SetTag(GenAINames.ResponseId, update.ResponseId);
            _activity?.SetTag(GenAINames.ResponseModel, update.ModelId);
            _lastChunk = _time.GetTimestamp();
        }
        else if (_telemetry.TimesChunks)
        {
            long now = _time.GetTimestamp();
            _telemetry.NextChunk(_tags, _time.GetElapsedTime(_lastChunk, now));
            _lastChunk = now;
        }

        if (update.FinishReason is { } reason)
        {
            _activity?.SetTag(GenAINames.ResponseFinishReasons, new[] { reason.Value });
        }
    }

    public void Answered(ChatResponse response)
    {
        CaptureOutput(response);
        _usage = response.Usage;
        _activity?.SetTag(GenAINames.ResponseId, response.ResponseId);
        _activity?.SetTag(GenAINames.ResponseModel, response.ModelId);
        if (response.FinishReason is { } reason)
        {
            _activity?.SetTag(GenAINames.ResponseFinishReasons, new[] { reason.Value });
        }
    }

    public void Used(UsageDetails? usage) => _usage = usage;

    public void Failed(Exception exception)
    {
        _error = GenAINames.ErrorClass(exception);
        _activity?.SetTag(GenAINames.ErrorType, _error);
        _activity?.SetStatus(ActivityStatusCode.Error);
    }

    public void Dispose()
    {
        if (_updates is not null)
        {
            CaptureOutput(_updates.ToChatResponse());
        }

        Set(GenAINames.UsageInput, _usage?.InputTokenCount);
        Set(GenAINames.UsageOutput, _usage?.OutputTokenCount);
        Set(GenAINames.UsageCacheRead, _usage?.CachedInputTokenCount);
        if (_usage?.AdditionalCounts?.TryGetValue(ChatProtocol.CacheCreation, out long created) == true)
        {
            Set<long>(_telemetry.CacheWriteName, created);
        }

        Set(GenAINames.UsageReasoning, _usage?.ReasoningTokenCount);
        _telemetry.Ended(_operation, _tags, _time.GetElapsedTime(_start), _usage, _error);
        _activity?.Dispose();
    }

    private void CaptureOutput(ChatResponse response)
    {
        if (_captureKey is not null)
        {
            _activity?.SetTag(GenAINames.OutputMessages, MessageCapture.Output(response, _captureKey, _maxContent));
        }
    }

    private void Set<T>(string name, T? value)
        where T : struct
    {
        if (value is { } known)
        {
            _activity?.SetTag(name, known);
        }
    }
}
