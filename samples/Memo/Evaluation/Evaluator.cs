using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm;
using Memo.Configuration;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Memory;

namespace Memo.Evaluation;

/// <summary>Judges a text: by a model, or without one in mock mode.</summary>
internal sealed class Evaluator(IModelSource models, SettingsStore settings, TimeProvider time) : IDisposable
{
    private readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = settings.Current.Llm.CacheSize });

    /// <exception cref="EvaluationException">There is no usable answer.</exception>
    /// <exception cref="CoachException">The provider failed.</exception>
    public async Task<Evaluated> EvaluateAsync(string text, bool isMock, CancellationToken cancellationToken)
    {
        MemoSettings current = settings.Current;
        if (isMock)
        {
            return new Evaluated(ResultBuilder.Build(text, current.Rubric, MockJudge.Judge(text, current.Rubric)), 0);
        }

        string key = CacheKey(text, current);
        bool isKnown = _answers.TryGetValue(key, out (EvaluationResult Result, long At) known);
        if (current.Llm.Caching && isKnown && time.GetElapsedTime(known.At) < current.Llm.CacheLifetime)
        {
            return new Evaluated(known.Result, 0);
        }

        Evaluated evaluated = await AskAsync(text, current, cancellationToken).ConfigureAwait(false);
        if (current.Llm.Caching)
        {
            _answers.Set(
                key, (evaluated.Result, time.GetTimestamp()),
                new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = current.Llm.CacheLifetime });
        }

        return evaluated;
    }

    public void Dispose() => _answers.Dispose();

    private static string CacheKey(string text, MemoSettings current)
    {
        string all = JsonSerializer.Serialize(new object[]
        {
            text, current.Rubric, current.Context, current.Request, current.Llm.Provider, current.Llm.Model,
        });
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)));
    }

    private async Task<Evaluated> AskAsync(string text, MemoSettings current, CancellationToken cancellationToken)
    {
        await using ModelLease model = await models.OpenAsync(current.Llm, cancellationToken).ConfigureAwait(false);
        List<ChatMessage> messages = ModelPrompt.Messages(text, current);
        string? prompt = current.Llm.KeepRaw ? string.Join("\n\n", messages.Select(message => message.Text)) : null;
        var options = new ChatOptions
        {
            MaxOutputTokens = current.Llm.MaxTokens,
            ResponseFormat = ChatResponseFormat.ForJsonSchema(ModelPrompt.Schema(current.Rubric), "evaluation"),
        };
        long costMicro = 0;
        for (int attempt = 0; ; attempt++)
        {
            ChatResponse response = await model.Client.GetResponseAsync(messages, options, cancellationToken)
                .ConfigureAwait(false);
            costMicro += Cost(response.Usage, current.Llm);
            (Judgement? judgement, string? problem) = JudgementReader.Read(response.Text, current.Rubric);
            if (judgement is not null)
            {
                EvaluationResult result = ResultBuilder.Build(text, current.Rubric, judgement);
                return new Evaluated(result, costMicro) { Prompt = prompt, Answer = prompt is null ? null : response.Text };
            }

            if (attempt == 1)
            {
                throw new EvaluationException(
                    ErrorCodes.ProviderFailed,
                    "The model's answer did not fit the schema, nor did its repair. Try again, or choose another model.")
                {
                    Data = { ["costMicro"] = costMicro },
                };
            }

            messages.Add(new ChatMessage(ChatRole.Assistant, response.Text.Length == 0 ? "(nothing)" : response.Text));
            messages.Add(new ChatMessage(
                ChatRole.User, $"{problem} Give the whole answer again as JSON that fits the schema, and nothing else."));
        }
    }

    private static long Cost(UsageDetails? usage, LlmSettings llm) => (long)Math.Ceiling(
        ((usage?.InputTokenCount ?? 0) * llm.InputPrice) + ((usage?.OutputTokenCount ?? 0) * llm.OutputPrice));
}

/// <summary>A result with what it cost, and prompt and answer where these are kept.</summary>
internal sealed record Evaluated(EvaluationResult Result, long CostMicro)
{
    public string? Prompt { get; init; }

    public string? Answer { get; init; }
}
