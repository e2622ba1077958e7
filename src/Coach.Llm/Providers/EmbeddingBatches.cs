using System.Text;
using Coach.Llm.Core;

namespace Coach.Llm.Providers;

/// <summary>How much one request may hold.</summary>
/// <param name="Count">The most texts.</param>
/// <param name="Tokens">The most tokens of all texts, as <see cref="EmbeddingBatches.TokensOf"/> counts them.</param>
internal readonly record struct BatchLimit(int Count, long Tokens);

/// <summary>
/// The sizes that servers were found to take, by address and model. Nobody can ask a server for its limits (DashScope
/// takes 10 texts, TEI 32, Cohere 96, OpenAI 2,048), so a refusal of size halves the request, and what then passed is
/// remembered for a day.
/// </summary>
internal sealed class EmbeddingBatches(TimeProvider time)
{
    private const int MaxKnown = 1000;
    private const int BytesPerToken = 3;

    private readonly ExpiringCache<(Uri Address, string Model), BatchLimit> _limits = new(MaxKnown, time)
    {
        Lifetime = TimeSpan.FromDays(1),
    };

    /// <summary>
    /// A careful estimate: English has more than 4 bytes of UTF-8 to a token, code and Chinese about 3. What is denser
    /// is found out by a refusal.
    /// </summary>
    public static long TokensOf(string text) => (Encoding.UTF8.GetByteCount(text) / BytesPerToken) + 1;

    public BatchLimit LimitOf(EmbeddingProtocol protocol, string model)
    {
        var usual = new BatchLimit(protocol.MaxBatch, protocol.MaxBatchTokens);
        return _limits.TryGet((protocol.Address(model), model), out BatchLimit found)
            ? new BatchLimit(Math.Min(found.Count, usual.Count), Math.Min(found.Tokens, usual.Tokens))
            : usual;
    }

    /// <summary>Remembers what passed, if more was refused on the way.</summary>
    /// <remarks>
    /// Only of a plan that came to its end: where a single text is too long, what is cut for its sake says nothing of
    /// the server, and nobody else shall pay for it.
    /// </remarks>
    public void Learn(EmbeddingProtocol protocol, string model, EmbeddingBatchPlan plan)
    {
        if (plan.HasLearnt)
        {
            _limits.Set((protocol.Address(model), model), plan.Limit);
        }
    }
}

/// <summary>The texts of one call in requests as large as a server takes: a refusal of size halves the next.</summary>
internal sealed class EmbeddingBatchPlan(string[] texts, BatchLimit limit)
{
    private BatchLimit _passing = limit;
    private SizeRefusal _refusal;
    private int _start;
    private int _count;
    private long _tokens;

    /// <summary>What passes, as far as it is known.</summary>
    public BatchLimit Limit { get; private set; } = limit;

    /// <summary>Whether a request was refused for its size, and a smaller one passed.</summary>
    public bool HasLearnt { get; private set; }

    /// <summary>The next request; null if all texts have passed.</summary>
    public ArraySegment<string>? Next()
    {
        if (_start == texts.Length)
        {
            return null;
        }

        (_count, _tokens) = (0, 0);
        while (_count < _passing.Count && _start + _count < texts.Length)
        {
            long next = EmbeddingBatches.TokensOf(texts[_start + _count]);
            if (_count > 0 && _tokens + next > _passing.Tokens)
            {
                break;
            }

            (_count, _tokens) = (_count + 1, _tokens + next);
        }

        return new ArraySegment<string>(texts, _start, _count);
    }

    /// <summary>Halves the request that was refused.</summary>
    /// <returns>False if it was not refused for its size, or is a single text: the caller's to shorten.</returns>
    public bool IsSmallerAfter(SizeRefusal refusal)
    {
        if (refusal == SizeRefusal.None || _count <= 1)
        {
            return false;
        }

        _refusal = refusal;
        _passing = _passing with { Count = _count / 2 };
        return true;
    }

    /// <summary>Goes on behind the request, which has passed.</summary>
    public void Pass()
    {
        _start += _count;
        if (_refusal == SizeRefusal.None)
        {
            return;
        }

        Limit = new BatchLimit(
            _refusal == SizeRefusal.Tokens ? Limit.Count : Math.Min(Limit.Count, _count),
            _refusal == SizeRefusal.Count ? Limit.Tokens : Math.Min(Limit.Tokens, _tokens));
        HasLearnt = true;
        (_passing, _refusal) = (Limit, SizeRefusal.None);
    }
}
