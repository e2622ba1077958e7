using Coach.Testing;

namespace Coach.Payments.Tests.Resilience;

/// <summary>The retry table of Stripe's SDKs, row by row, plus what differs on purpose: 429 with Retry-After is
/// honoured.</summary>
public sealed class GatewayStepExecutorTests
{
    private const string Links = "/v1/payment_links";

    public static TheoryData<string, int, bool> Rows => new()
    {
        // failure, requests sent, whether the call succeeds
        { "500", 2, true },
        { "503", 2, true },
        { "409", 2, true },
        { "500 should-retry=false", 1, false },
        { "429", 1, false },
        { "429 lock_timeout should-retry=true", 2, true },
        { "429 Retry-After", 2, true },
        { "429 Retry-After should-retry=false", 1, false },
        { "400", 1, false },
        { "401", 1, false },
        { "402", 1, false },
        { "403", 1, false },
        { "404", 1, false },
        { "400 should-retry=true", 2, true },
        { "refused", 2, true },
        { "reset", 2, true },
        { "lost", 2, true },
        { "hang", 2, true },
        { "html 502", 2, true },
        { "empty 200", 1, false },
        { "truncated 200", 1, false },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task LinkStep_OneFailure_IsRepeatedOrNotWithTheSameKey(string failure, int requests, bool succeeds)
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(FaultOf(failure), "POST", Links);

        PaymentException? exception = null;
        try
        {
            await host.CreateAsync();
        }
        catch (PaymentException thrown)
        {
            exception = thrown;
        }

        Assert.Equal(succeeds, exception is null);
        Assert.Equal(requests, host.Sent("POST", Links).Count);
        Assert.Single(host.Sent("POST", Links).Select(request => request.IdempotencyKey).Distinct());
        Assert.True(host.Fake.Links.Count <= 1);
    }

    [Theory]
    [InlineData("500 should-retry=false", PaymentError.Uncertain)]
    [InlineData("empty 200", PaymentError.Uncertain)]
    [InlineData("truncated 200", PaymentError.Uncertain)]
    [InlineData("429", PaymentError.Unavailable)]
    [InlineData("400", PaymentError.Rejected)]
    [InlineData("401", PaymentError.Rejected)]
    [InlineData("402", PaymentError.Rejected)]
    [InlineData("403", PaymentError.Rejected)]
    public async Task LinkStep_NotRepeatedFailure_IsReportedForWhatItIs(string failure, PaymentError expected)
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(FaultOf(failure), "POST", Links);

        Assert.Equal(expected, (await host.FailsAsync()).Error);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(3, 4)]
    public async Task LinkStep_OutOfRetries_Stops(int maxRetries, int requests)
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey, configure: options => options.MaxRetries = maxRetries);
        host.Fake.Inject(StripeFault.Status(503), "POST", Links, times: 9);

        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);

        Assert.Equal(requests, host.Sent("POST", Links).Count);
    }

    [Fact]
    public async Task LinkStep_IdempotencyErrorOfAForeignRequest_IsLookedUpThenSentUnderANewKey()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Status)
        {
            HttpStatus = 400,
            ErrorType = "idempotency_error",
            Message =
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
        }, "POST", Links);

        await host.CreateAsync();

        Assert.EndsWith(":link:2", host.Sent("POST", Links)[1].IdempotencyKey, StringComparison.Ordinal);
        Assert.Single(host.Fake.Links);
    }

    [Theory]
    [InlineData(StripeFaultKind.StoredError)]
    [InlineData(StripeFaultKind.StoredErrorAfterEffect)]
    public async Task LinkStep_StoredFailureReplayed_StopsLooksAndMakesNoSecondLink(StripeFaultKind kind)
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(new StripeFault(kind), "POST", Links);

        PaymentLink link = await host.CreateAsync();

        Assert.Equal(link.Id, Assert.Single(host.Fake.Links).Id);
        string[] keys = [.. host.Sent("POST", Links).Select(request => request.IdempotencyKey![^1..])];
        Assert.Equal(kind == StripeFaultKind.StoredError ? ["1", "1", "2"] : ["1", "1"], keys);
        Assert.NotEmpty(host.Sent("GET", Links));
    }

    [Fact]
    public async Task Delays_OfARepeatedFailure_AreOneTwoFourSecondsLessAQuarter()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(StripeFault.Status(503), "POST", Links, times: 3);

        await host.CreateAsync();

        DateTimeOffset[] times = [.. host.Sent("POST", Links).Select(request => request.ReceivedAt)];
        Assert.Equal(4, times.Length);
        for (int i = 0; i < 3; i++)
        {
            double wait = (times[i + 1] - times[i]).TotalSeconds;
            Assert.InRange(wait, Math.Pow(2, i) * 0.75, Math.Pow(2, i));
        }

        Assert.Equal(3, times.Zip(times.Skip(1), (a, b) => ((b - a).TotalSeconds % 1)).Distinct().Count());
    }

    [Theory]
    [InlineData("3", 3)]
    [InlineData("0", 0)]
    public async Task RetryAfter_LongerThanTheDelay_IsWaitedFor(string retryAfter, int seconds)
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(StripeFault.RateLimited(retryAfter), "POST", Links);

        await host.CreateAsync();

        DateTimeOffset[] times = [.. host.Sent("POST", Links).Select(request => request.ReceivedAt)];
        double wait = (times[1] - times[0]).TotalSeconds;
        Assert.InRange(wait, Math.Max(seconds, 0.75), Math.Max(seconds, 1));
    }

    [Fact]
    public async Task RetryAfter_LongerThanTheTimeLeft_FailsAtOnceAndPassesItOn()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(StripeFault.RateLimited("120"), "POST", Links);
        long start = host.Clock.GetTimestamp();

        PaymentException exception = await host.FailsAsync();

        Assert.Equal(PaymentError.Unavailable, exception.Error);
        Assert.Equal(TimeSpan.FromSeconds(120), exception.RetryAfter);
        Assert.Equal(start, host.Clock.GetTimestamp());
    }

    [Fact]
    public async Task TotalTimeout_HungCalls_CutTheAttemptInFlightAtFifteenSeconds()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", Links, times: 9);
        long start = host.Clock.GetTimestamp();

        PaymentException exception = await host.FailsAsync();

        Assert.Equal(PaymentError.Uncertain, exception.Error);
        Assert.InRange(TimeSpan.FromTicks(host.Clock.GetTimestamp() - start).TotalSeconds, 14.9, 15.001);
        Assert.Equal(2, host.Sent("POST", Links).Count);
    }

    [Fact]
    public async Task Cancellation_DuringAWait_EndsItAtOnceAndTheOperationResumes()
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        host.Fake.Inject(StripeFault.Status(503), "POST", Links, times: 1);
        using var cancel = new CancellationTokenSource();
        Task<PaymentLink> call = host.Links.CreateAsync(PaymentHost.Order(), cancel.Token);
        Assert.Single(host.Sent("POST", Links));

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);

        // The work ends on another thread; virtual time must not overtake it.
        while ((await host.Store.ListUnsettledAsync(1))[0].LeaseExpiresAt is not null)
        {
            await Task.Yield();
        }

        PaymentLink link = await host.CreateAsync();

        Assert.Equal(link.Id, Assert.Single(host.Fake.Links).Id);
        Assert.Single(host.Sent("POST", Links).Select(request => request.IdempotencyKey).Distinct());
    }

    [Fact]
    public async Task Cancellation_OfOneOfTwoCallers_LeavesTheOtherItsLink()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Slow) { Delay = TimeSpan.FromSeconds(3) }, "POST", Links);
        using var cancel = new CancellationTokenSource();
        Task<PaymentLink> leaves = host.Links.CreateAsync(PaymentHost.Order(), cancel.Token);
        Task<PaymentLink> stays = host.Links.CreateAsync(PaymentHost.Order());

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves);

        Assert.Empty(host.Fake.Links);
        PaymentLink link = await host.RunAsync(stays);
        Assert.Equal(link.Id, Assert.Single(host.Fake.Links).Id);
    }

    private static StripeFault FaultOf(string failure) => failure switch
    {
        "500 should-retry=false" => StripeFault.Status(500) with { ShouldRetry = false },
        "409" => new StripeFault(StripeFaultKind.InUse),
        "429" => StripeFault.RateLimited(),
        "429 lock_timeout should-retry=true" => StripeFault.LockTimeout(),
        "429 Retry-After" => StripeFault.RateLimited("1"),
        "429 Retry-After should-retry=false" => StripeFault.RateLimited("1") with { ShouldRetry = false },
        "400 should-retry=true" => StripeFault.Status(400) with { ShouldRetry = true },
        "refused" => new StripeFault(StripeFaultKind.Refuse),
        "reset" => new StripeFault(StripeFaultKind.Reset),
        "lost" => new StripeFault(StripeFaultKind.LoseAnswer),
        "hang" => new StripeFault(StripeFaultKind.Hang),
        "html 502" => new StripeFault(StripeFaultKind.Html),
        "empty 200" => new StripeFault(StripeFaultKind.EmptySuccess),
        "truncated 200" => new StripeFault(StripeFaultKind.Truncate),
        _ => StripeFault.Status(int.Parse(failure, System.Globalization.CultureInfo.InvariantCulture)),
    };
}
