using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Usage;
using Memo.Configuration;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Memory;

namespace Memo.Evaluation;

/// <summary>Judges a text: by a model, or without one in mock mode.</summary>
internal sealed class Evaluator(
    IModelSource models, SettingsStore settings, UsageRecorder rates, TimeProvider time) : IDisposable
{
    private readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = settings.Current.Llm.CacheSize });

    /// <summary>Judges a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isMock">Whether without a model.</param>
    /// <param name="calls">Gets what models were asked, also where there is no answer in the end.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="EvaluationException">There is no usable answer.</exception>
    /// <exception cref="CoachException">The provider failed.</exception>
    public async Task<Evaluated> EvaluateAsync(
        string text, bool isMock, List<ModelCall> calls, CancellationToken cancellationToken)
    {
        MemoSettings current = settings.Current;
        if (isMock)
        {
            calls.Add(ModelCall.Mock);
            return new Evaluated(ResultBuilder.Build(text, current.Rubric, MockJudge.Judge(text, current.Rubric)));
        }

        string key = CacheKey(text, current);
        bool isKnown = _answers.TryGetValue(key, out (EvaluationResult Result, long At) known);
        if (current.Llm.Caching && isKnown && time.GetElapsedTime(known.At) < current.Llm.CacheLifetime)
        {
            return new Evaluated(known.Result);
        }

        Evaluated evaluated = await AskAsync(text, current, calls, cancellationToken).ConfigureAwait(false);
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

    private async Task<Evaluated> AskAsync(
        string text, MemoSettings current, List<ModelCall> calls, CancellationToken cancellationToken)
    {
        await using ModelLease model = await models.OpenAsync(current.Llm, cancellationToken).ConfigureAwait(false);
        List<ChatMessage> messages = ModelPrompt.Messages(text, current);
        string? prompt = current.Llm.KeepRaw ? string.Join("\n\n", messages.Select(message => message.Text)) : null;
        var options = new ChatOptions
        {
            MaxOutputTokens = current.Llm.MaxTokens,
            ResponseFormat = ChatResponseFormat.ForJsonSchema(ModelPrompt.Schema(current.Rubric), "evaluation"),
        };
        for (int attempt = 0; ; attempt++)
        {
            ChatResponse response = await CallAsync(
                model.Client, messages, options, current.Llm, calls, cancellationToken).ConfigureAwait(false);
            (Judgement? judgement, string? problem) = JudgementReader.Read(response.Text, current.Rubric);
            if (judgement is not null)
            {
                EvaluationResult result = ResultBuilder.Build(text, current.Rubric, judgement);
                return new Evaluated(result) { Prompt = prompt, Answer = prompt is null ? null : response.Text };
            }

            if (attempt == 1)
            {
                throw new EvaluationException(
                    ErrorCodes.ProviderFailed,
                    "The model's answer did not fit the schema, nor did its repair. Try again, or choose another model.");
            }

            messages.Add(new ChatMessage(ChatRole.Assistant, response.Text.Length == 0 ? "(nothing)" : response.Text));
            messages.Add(new ChatMessage(
                ChatRole.User, $"{problem} Give the whole answer again as JSON that fits the schema, and nothing else."));
        }
    }

    private async Task<ChatResponse> CallAsync(
        IChatClient client, List<ChatMessage> messages, ChatOptions options, LlmSettings llm, List<ModelCall> calls,
        CancellationToken cancellationToken)
    {
        // A token is three bytes or more of what memos are written in.
        var most = new UsageCounts
        {
            Input = messages.Sum(message => (long)Encoding.UTF8.GetByteCount(message.Text)) / 3,
            Output = llm.MaxTokens,
            Requests = 1,
        };
        ModelCall asked = Priced(ProviderOf(llm.Provider), llm.Model, most);
        if (calls.Sum(call => call.CostMicro) + asked.CostMicro > llm.RequestLimitMicro)
        {
            throw new EvaluationException(
                ErrorCodes.BudgetExceeded,
                "The evaluation may cost more than cost_limit_per_request allows. Shorten the text, or raise the limit.");
        }

        try
        {
            ChatResponse response = await client.GetResponseAsync(messages, options, cancellationToken)
                .ConfigureAwait(false);
            bool isSecond = response.AdditionalProperties?.TryGetValue(
                FallbackChatClient.TargetProperty, out string? target) == true && target != ProviderOf(llm.Provider);
            string model = response.ModelId ?? (isSecond ? llm.FallbackModel : llm.Model);
            calls.Add(Priced(ProviderOf(isSecond ? llm.FallbackProvider : llm.Provider), model, UsageCounts.From(response.Usage)));
            return response;
        }
        catch (OperationCanceledException)
        {
            // It was being worked on: what went in is charged by most providers.
            calls.Add(Priced(asked.Provider, asked.Model, most with { Output = 0 }) with
            {
                IsEstimated = true,
                Outcome = UsageOutcome.Stopped,
            });
            throw;
        }
    }

    private ModelCall Priced(string provider, string model, UsageCounts counts) =>
        new(provider, model, counts, rates.Price(provider, model, counts).Micros);

    private static string ProviderOf(string name) => name == "claude" ? ProviderNames.Anthropic : ProviderNames.OpenAI;
}

/// <summary>A result, and prompt and answer where these are kept.</summary>
internal sealed record Evaluated(EvaluationResult Result)
{
    public string? Prompt { get; init; }

    public string? Answer { get; init; }
}
