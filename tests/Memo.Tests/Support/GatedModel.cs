using Memo.Configuration;
using Memo.Evaluation;
using Microsoft.Extensions.AI;

namespace Memo.Tests.Support;

/// <summary>A model whose answers a test writes, and holds back for as long as it likes.</summary>
internal sealed class GatedModel(Func<IReadOnlyList<ChatMessage>, string> answer) : IModelSource, IChatClient
{
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _entered = new(0);
    private int _calls;

    public bool HasKey => true;

    public int Calls => _calls;

    public List<IReadOnlyList<ChatMessage>> Asked { get; } = [];

    public void Open() => _gate.TrySetResult();

    /// <summary>Waits until so many more questions have arrived.</summary>
    public async Task EnteredAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await _entered.WaitAsync(TestContext.Current.CancellationToken);
        }
    }

    public ValueTask<ModelLease> OpenAsync(LlmSettings settings, CancellationToken cancellationToken) =>
        new(new ModelLease(this));

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatMessage[] all = [.. messages];
        lock (Asked)
        {
            Asked.Add(all);
        }

        Interlocked.Increment(ref _calls);
        _entered.Release();
        await _gate.Task.WaitAsync(cancellationToken);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, answer(all)))
        {
            Usage = new UsageDetails { InputTokenCount = 1_000, OutputTokenCount = 100 },
        };
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
        // It outlives each lease.
    }

    /// <summary>An answer that fits the schema of the shipped rubric.</summary>
    public static string Fitting(string quote, int score = 4) => $$"""
        {"strengths":["Clear ask"],"opportunities":["More sources"],"scores":{
        {{string.Join(',', Criteria.Select(id => $$"""
            "{{id}}":{"score":{{score}},"justification":"As the text says."}
            """))}}},
        "segments":[{"quote":"{{quote}}","comment":"Good.","questions":["Why?"],"suggestions":["Say why."]}]}
        """;

    private static readonly string[] Criteria =
    [
        "structure-and-logic", "arguments-and-evidence", "clarity-style-and-financial-metrics",
        "relevance-and-strategic-alignment", "clear-opportunity-and-ask", "risk-mitigation",
        "feasibility-and-implementation",
    ];
}
