#:project ../src/Coach.Llm/Coach.Llm.csproj
#:project ../src/Coach.Payments/Coach.Payments.csproj
#:package Microsoft.Extensions.Configuration.EnvironmentVariables
// eng/live-smoke: for the owner of real keys; nothing in CI calls it. Asks each provider whose key is in the environment (GEMINI_API_KEY,
// OPENAI_API_KEY, ANTHROPIC_API_KEY, OPENROUTER_API_KEY) three things: is the key valid (no tokens), is a wrong key refused (no tokens),
// and one streamed answer of a word. With STRIPE_API_KEY, a test key, it makes one link of 1.00 USD and takes it back. All together cost
// less than a cent. Ends with one JSON line; its exit code is 0 when everything was as expected.
using System.Diagnostics;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Payments;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

IConfiguration configuration = new ConfigurationBuilder().AddEnvironmentVariables().Build();
var services = new ServiceCollection();
services.AddSingleton(configuration).AddLogging();
services.AddCoachLlm();
services.AddCoachPayments();
await using ServiceProvider host = services.BuildServiceProvider();

int cases = 0;
int failed = 0;
(string Provider, string Name)[] keys =
[
    (ProviderNames.Gemini, "GEMINI_API_KEY"), (ProviderNames.OpenAI, "OPENAI_API_KEY"),
    (ProviderNames.Anthropic, "ANTHROPIC_API_KEY"), (ProviderNames.OpenRouter, "OPENROUTER_API_KEY"),
];
foreach ((string provider, string name) in keys)
{
    if (Environment.GetEnvironmentVariable(name) is not { Length: > 0 } text)
    {
        Console.WriteLine($"{provider}: not asked; {name} is not set");
        continue;
    }

    var validator = host.GetRequiredService<IApiKeyValidator>();
    var key = new ApiKey(provider, Secret.From(text));
    await Case($"{provider}: the key is valid", async () =>
    {
        KeyValidation found = await validator.ValidateAsync(key);
        return (found.Status == KeyStatus.Valid, $"{found.Status}: {found.Message}");
    });
    await Case($"{provider}: a wrong key is not", async () =>
    {
        // The same shape, other characters: the last twelve turned round.
        string wrong = text[..^Math.Min(12, text.Length)] + string.Concat(text.TakeLast(12).Reverse());
        KeyValidation found = await validator.ValidateAsync(new ApiKey(provider, Secret.From(wrong)));
        return (found.Status != KeyStatus.Valid, found.Status.ToString());
    });
    await Case($"{provider}: one streamed word", async () =>
    {
        using ClientLease<IChatClient> lease = await host.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("live-smoke"), key);
        var watch = Stopwatch.StartNew();
        TimeSpan? first = null;
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in lease.Client.GetStreamingResponseAsync("Say the word yes and nothing else."))
        {
            first ??= update.Text.Length > 0 ? watch.Elapsed : null;
            updates.Add(update);
        }

        ChatResponse answer = updates.ToChatResponse();
        return (answer.Text.Contains("yes", StringComparison.OrdinalIgnoreCase),
            $"\"{answer.Text.Trim()}\" by {answer.ModelId}, first token after {first?.TotalMilliseconds:0} ms, "
            + $"{answer.Usage?.InputTokenCount} + {answer.Usage?.OutputTokenCount} tokens, ended by {answer.FinishReason}");
    });
}

if (Environment.GetEnvironmentVariable("STRIPE_API_KEY") is not { Length: > 0 } stripe)
{
    Console.WriteLine("stripe: not asked; STRIPE_API_KEY is not set");
}
else if (!stripe.Contains("_test_", StringComparison.Ordinal))
{
    failed++;
    Console.WriteLine("FAILED stripe: STRIPE_API_KEY is no test key; nothing was asked");
}
else
{
    IPaymentLinks payments = host.GetRequiredService<IPaymentLinks>();
    await Case("stripe: a link of 1.00 USD is made and taken back", async () =>
    {
        PaymentLink link = await payments.CreateAsync(new PaymentLinkRequest
        {
            OperationKey = $"live-smoke-{Guid.NewGuid():N}",
            Amount = Money.Parse("1.00 USD"),
            Description = "Coach live smoke",
        });
        PaymentLink seen = await payments.GetStatusAsync(link.Id);
        PaymentLink ended = await payments.DeactivateAsync(link.Id);
        return (!link.IsSimulated && seen.Status == PaymentStatus.Pending, $"{link.Url}, then {ended.Status}");
    });
}

Console.WriteLine($$"""{"cases":{{cases}},"failed":{{failed}}}""");
return failed == 0 ? 0 : 1;

async Task Case(string name, Func<Task<(bool IsRight, string Found)>> ask)
{
    cases++;
    var watch = Stopwatch.StartNew();
    try
    {
        (bool isRight, string found) = await ask();
        failed += isRight ? 0 : 1;
        Console.WriteLine($"{(isRight ? "ok    " : "FAILED")} {name}: {found} ({watch.ElapsedMilliseconds} ms)");
    }
    catch (CoachException exception)
    {
        failed++;
        Console.WriteLine($"FAILED {name}: {exception.Code}: {exception.Message} ({watch.ElapsedMilliseconds} ms)");
    }
}
