using System.Net.Http.Json;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;

namespace Coach.Integration.Tests.Telemetry;

/// <summary>What samples/Chat sends to a collector, found by OpenTelemetry's standard variables.</summary>
[Collection(nameof(ProcessTelemetry))]
public sealed class OtlpTests
{
    private const string Key = "AIzaCANARYotlp0key0never0shown0anywhere";
    private const string Question = "How are payment links made only once, CANARYquestion?";

    [Fact]
    public async Task TracesMetricsAndLogs_OfOneVisit_ArriveWithTheirNames()
    {
        await using OtlpReceiver collector = await OtlpReceiver.StartAsync();
        await using ProviderFake providers = await ProviderFake.StartAsync();
        await using StripeFake stripe = await StripeFake.StartAsync();
        providers.SetKey("gemini", Key);
        await using ChatHost host = await ChatHost.StartAsync(values =>
        {
            Export(values, collector);
            values["Coach:Llm:Gemini:BaseUrl"] = providers.BaseUrl("gemini").ToString();
            values["Coach:Payments:Stripe:BaseUrl"] = stripe.Url.ToString();
            values["STRIPE_API_KEY"] = "sk_test_CANARYotlp0stripe0never0shown0anywhere";
        });
        using HttpClient visitor = host.NewVisitor();
        await visitor.AddKeyAsync("gemini", Key);
        await visitor.AskAsync(Question);
        using HttpResponseMessage link = await visitor.CreateLinkAsync(
            "order-1", """{"amount":1250,"currency":"usd","description":"Tea"}""");
        using HttpResponseMessage refused = await visitor.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey = "wrong-key-number-one" }));
        await collector.UntilAsync(came =>
            came.Spans.Count(span => span.Name == "POST /api/session/keys") == 2
            && came.Spans.Any(span => span.Name == "POST /api/payments/links")
            && came.Spans.Any(span => span.Name == "POST /api/chat")
            && came.Logs.Count(log => log.Body.StartsWith("Audit: ", StringComparison.Ordinal)) == 3
            && came.Metrics.Contains("gen_ai.client.operation.duration"));

        IReadOnlyList<OtlpSpan> spans = collector.Spans;
        OtlpSpan request = Assert.Single(spans, span => span.Name == "POST /api/chat");
        OtlpSpan chat = Assert.Single(spans, span => span.Name.StartsWith("chat ", StringComparison.Ordinal));
        OtlpSpan retrieval = Assert.Single(spans, span => span.Name == "retrieval");
        Assert.All([chat, retrieval], span => Assert.Equal(request.TraceId, span.TraceId));
        Assert.Equal("chat", chat.Tags["gen_ai.operation.name"]);
        Assert.Equal("retrieval", retrieval.Tags["gen_ai.operation.name"]);
        Assert.Contains("lexical", retrieval.Tags["coach.rag.arms"], StringComparison.Ordinal);
        int passages = int.Parse(retrieval.Tags["coach.rag.passages"], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(passages, 1, 100);
        Assert.Equal(passages, retrieval.Tags["coach.rag.scores"].Split(',').Length);
        Assert.Equal(
            ["invalid", "valid"],
            spans.Where(span => span.Name == "check_key gemini").Select(span => span.Tags["coach.key.status"]).Order());
        OtlpSpan step = spans.First(span => span.Name.StartsWith("payment ", StringComparison.Ordinal));
        Assert.Equal(["stripe", "success"], [step.Tags["coach.payments.gateway"], step.Tags["coach.payments.outcome"]]);

        IReadOnlySet<string> metrics = collector.Metrics;
        Assert.Superset(
            new HashSet<string> { "coach.rag.retrievals", "coach.llm.key_validations", "gen_ai.client.operation.duration" },
            metrics.ToHashSet());
        (string body, IReadOnlyDictionary<string, string> tags) = Assert.Single(
            collector.Logs, log => log.Body.StartsWith("POST /api/chat answered 200 in ", StringComparison.Ordinal));
        Assert.Equal("200", tags["Status"]);
        Assert.Contains(tags["Request"], body, StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]{32}$", tags["Session"]);
        Assert.Equal(
            ["Audit: key.enter done with 200", "Audit: key.enter refused with 422", "Audit: payment_link.create done with 201"],
            collector.Logs.Where(log => log.Body.StartsWith("Audit: ", StringComparison.Ordinal))
                .Select(log => log.Body.Split(';')[0])
                .Order(StringComparer.Ordinal));
        Assert.All(collector.Resources, resource => Assert.Equal("Chat", resource["service.name"]));
        string everything = string.Join('\n', spans) + string.Join('\n', collector.Logs.Select(log => log.Body));
        Assert.DoesNotContain("CANARY", everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NewNamesAndOwnServiceName_AreAskedForByTheStandardVariables()
    {
        await using OtlpReceiver collector = await OtlpReceiver.StartAsync();
        await using ProviderFake providers = await ProviderFake.StartAsync();
        providers.SetKey("gemini", Key);
        await using ChatHost host = await ChatHost.StartAsync(values =>
        {
            Export(values, collector);
            values["Coach:Llm:Gemini:BaseUrl"] = providers.BaseUrl("gemini").ToString();
            values["OTEL_SERVICE_NAME"] = "tea-room";
            values["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http, gen_ai_latest_experimental";
        });
        using HttpClient visitor = host.NewVisitor();
        await visitor.AddKeyAsync("gemini", Key);
        await visitor.AskAsync(Question);
        await collector.UntilAsync(came => came.Metrics.Contains("gen_ai.client.inference.usage.input_tokens"));
        Assert.All(collector.Resources, resource => Assert.Equal("tea-room", resource["service.name"]));
        Assert.Superset(
            new HashSet<string>
            {
                "gen_ai.client.inference.duration", "gen_ai.client.inference.usage.input_tokens",
                "gen_ai.client.inference.operation.output_tokens",
            },
            collector.Metrics.ToHashSet());
        Assert.DoesNotContain("gen_ai.client.token.usage", collector.Metrics);
        Assert.DoesNotContain("gen_ai.client.operation.duration", collector.Metrics);
    }

    [Fact]
    public async Task EachRequest_LeavesOneLineAndProbesNone()
    {
        await using ChatHost host = await ChatHost.StartAsync();
        using (HttpClient visitor = host.NewVisitor())
        {
            using HttpResponseMessage session = await visitor.GetAsync("/api/session");
            using HttpResponseMessage nothing = await visitor.GetAsync("/api/nothing%0d%0aForged: line");
            using HttpResponseMessage ready = await visitor.GetAsync("/readyz");
            using HttpResponseMessage metrics = await visitor.GetAsync("/metrics");
        }

        await host.DisposeAsync(); // the lines are written after the answers went out
        string[] lines = [.. host.Logs.Where(line => line.Contains("Information 6020 ", StringComparison.Ordinal))];
        Assert.Single(lines, line => line.Contains("GET /api/session answered 200 in ", StringComparison.Ordinal));
        Assert.Single(lines, line => line.Contains("GET (no route) answered 404 in ", StringComparison.Ordinal));
        Assert.Equal(2, lines.Length);
        Assert.All(
            lines,
            line => Assert.DoesNotContain("Forged", line.Split("; request ")[0], StringComparison.Ordinal));
    }

    private static void Export(Dictionary<string, string?> values, OtlpReceiver collector)
    {
        values["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address.ToString();
        values["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        values["OTEL_METRIC_EXPORT_INTERVAL"] = "500";
        values["OTEL_BSP_SCHEDULE_DELAY"] = "200";
        values["OTEL_BLRP_SCHEDULE_DELAY"] = "200";
    }
}
