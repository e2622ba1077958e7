using System.Net;
using System.Text.Json;
using Coach.Abstractions;
using Coach.AspNetCore.Diagnostics;
using Coach.AspNetCore.Middleware;
using Coach.Prometheus.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Tests.Http;

/// <summary>What escapes an endpoint: problem+json with the code's status, and nobody else's words.</summary>
public sealed class CoachProblemTests
{
    public static TheoryData<string, int> Statuses() => new()
    {
        { ErrorCodes.MissingSecret, 503 },
        { ErrorCodes.KeyMissing, 422 },
        { ErrorCodes.KeyMalformed, 422 },
        { ErrorCodes.KeyInvalid, 422 },
        { ErrorCodes.KeyExpired, 422 },
        { ErrorCodes.KeyRevoked, 422 },
        { ErrorCodes.KeyWrongKind, 422 },
        { ErrorCodes.KeyRestricted, 422 },
        { ErrorCodes.KeyBillingRequired, 422 },
        { ErrorCodes.KeyQuotaExhausted, 422 },
        { ErrorCodes.KeyRateLimited, 429 },
        { ErrorCodes.KeyRegionBlocked, 422 },
        { ErrorCodes.KeyUnavailable, 503 },
        { ErrorCodes.KeyTimedOut, 504 },
        { ErrorCodes.KeyWrongEndpoint, 502 },
        { ErrorCodes.ProviderUnreachable, 502 },
        { ErrorCodes.ProviderTimeout, 504 },
        { ErrorCodes.ProviderFailed, 502 },
        { ErrorCodes.SessionLimit, 503 },
        { ErrorCodes.SessionRequired, 401 },
        { ErrorCodes.RateLimited, 429 },
        { ErrorCodes.IdempotencyConflict, 409 },
        { ErrorCodes.IdempotencyInProgress, 409 },
        { ErrorCodes.PaymentsUnavailable, 503 },
        { ErrorCodes.PaymentRejected, 422 },
        { ErrorCodes.PaymentUncertain, 503 },
        { ErrorCodes.WebhookInvalid, 400 },
        { ErrorCodes.IndexCorrupt, 503 },
        { ErrorCodes.IndexUnavailable, 503 },
        { ErrorCodes.RequestInvalid, 422 },
        { ErrorCodes.StoreUnavailable, 503 },
        { ErrorCodes.BudgetExceeded, 429 },
        { ErrorCodes.ContextTooLong, 422 },
        { ErrorCodes.ModelNotFound, 422 },
        { ErrorCodes.NotFound, 404 },
        { ErrorCodes.MethodNotAllowed, 405 },
        { ErrorCodes.TooLarge, 413 },
        { ErrorCodes.MediaType, 415 },
        { ErrorCodes.DocumentRefused, 422 },
    };

    [Fact]
    public void Statuses_OfThisTest_NameEveryCode() =>
        Assert.Equal(ErrorCodes.All.Order(), Statuses().Select(row => row.Data.Item1).Order());

    [Theory]
    [MemberData(nameof(Statuses))]
    public async Task CoachException_ThatEscapes_IsAProblemOfItsCodesStatus(string code, int status)
    {
        await using MetricsHost host = await StartAsync(_ => throw new Failure(code, TimeSpan.FromSeconds(2.5)));
        using HttpResponseMessage response = await host.SendAsync(
            HttpMethod.Get, "/fails", ("X-Request-ID", "request-7"));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(status is 429 or 503 ? TimeSpan.FromSeconds(3) : null, response.Headers.RetryAfter?.Delta);
        JsonElement problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(
            ("about:blank", status, code, "What happened and what to do.", "request-7", 3),
            (Text(problem, "type"), problem.GetProperty("status")
                .GetInt32(), Text(problem, "code"), Text(problem, "detail"), Text(problem, "requestId"),
                problem.GetProperty("retryAfterSeconds").GetInt32()));
    }

    [Theory]
    [InlineData(ErrorCodes.RateLimited, 1)]
    [InlineData(ErrorCodes.KeyRateLimited, 1)]
    [InlineData(ErrorCodes.SessionLimit, 10)]
    [InlineData(ErrorCodes.StoreUnavailable, 10)]
    [InlineData(ErrorCodes.IndexCorrupt, null)]
    public async Task CoachException_ThatKnowsNoWait_Has429WithTheShortestOne(string code, int? seconds)
    {
        await using MetricsHost host = await StartAsync(_ => throw new Failure(code, null));
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/fails");
        Assert.Equal(seconds is null ? null : TimeSpan.FromSeconds(seconds.Value), response.Headers.RetryAfter?.Delta);
        JsonElement problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(
            seconds, problem.TryGetProperty("retryAfterSeconds", out JsonElement wait) ? wait.GetInt32() : null);
    }

    [Fact]
    public async Task ForeignException_ThatEscapes_IsA500WithoutItsWords()
    {
        await using MetricsHost host = await StartAsync(_ => throw new InvalidOperationException("Password=canary"));
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/fails");
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        string body = await response.Content.ReadAsStringAsync();
        Assert.DoesNotContain("canary", body, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", body, StringComparison.Ordinal);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task BodyThatTheServerRefuses_Is413()
    {
        await using MetricsHost host = await StartAsync(
            _ => throw new BadHttpRequestException("too large: canary", StatusCodes.Status413PayloadTooLarge));
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/fails");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.DoesNotContain("canary", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryAnswer_ByDefault_CarriesTheSecurityHeaders()
    {
        await using MetricsHost host = await StartAsync(_ => Task.CompletedTask);
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/fails");
        foreach ((string name, string value) in new[]
        {
            ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"), (
                "Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"), (
                "Cache-Control", "no-cache"),
        })
        {
            Assert.Equal(value, Assert.Single(response.Headers.GetValues(name)));
        }

        string policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'self'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
    }

    private static string? Text(JsonElement problem, string name) => problem.GetProperty(name).GetString();

    private static Task<MetricsHost> StartAsync(RequestDelegate endpoint) => ObservedHost.StartAsync(
        build: builder => builder.Services.AddSingleton(new RepeatedFailures(TimeProvider.System)).AddExceptionHandler<CoachExceptionHandler>(),
        map: app =>
        {
            app.UseExceptionHandler(
                new ExceptionHandlerOptions { ExceptionHandler = _ => Task.CompletedTask, AllowStatusCode404Response = true });
            app.MapGet("/fails", endpoint);
        });

    private sealed class Failure(string code, TimeSpan? wait) : CoachException(code, "What happened and what to do.")
    {
        public override bool IsTransient => true;

        public override TimeSpan? RetryAfter => wait;
    }
}
