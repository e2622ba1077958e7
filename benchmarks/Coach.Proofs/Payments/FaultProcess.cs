using Coach.Payments;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Payments;

/// <summary>One process that takes payments and may die at any await: from then on nothing it waits for ever comes.</summary>
internal sealed class FaultProcess : IAsyncDisposable
{
    private readonly TaskCompletionSource _death = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ServiceProvider _services;
    private readonly FaultPlan _plan;
    private readonly TimeProvider _clock;
    private int _pointsLeft;

    public FaultProcess(FaultPlan plan, TimeProvider clock, StripeFake fake, IIdempotencyStore store, int dieAfterPoints)
    {
        _plan = plan;
        _clock = clock;
        _pointsLeft = dieAfterPoints;
        var settings = new Dictionary<string, string?>
        {
            ["Coach:Mode"] = "real",
            ["STRIPE_API_KEY"] = plan.IsLive ? "sk_live_fault" : "sk_test_fault",
            ["STRIPE_WEBHOOK_SECRET"] = fake.WebhookSecret,
        };
        var services = new ServiceCollection();
        services.AddSingleton(clock);
        services.AddSingleton(new Random(plan.Seed));
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        CoachPaymentsBuilder builder = services.AddCoachPayments();
        builder.HttpClient.ConfigurePrimaryHttpMessageHandler(() => new Wire(this, fake.CreateHandler()));
        builder.UseStore(_ => new Disk(this, store));
        _services = services.BuildServiceProvider();
        Links = _services.GetRequiredService<IPaymentLinks>();
        Webhooks = _services.GetRequiredService<IPaymentWebhooks>();
        Events = _services.GetRequiredService<IPaymentEvents>();
    }

    public IPaymentLinks Links { get; }

    public IPaymentWebhooks Webhooks { get; }

    public IPaymentEvents Events { get; }

    public Task Death => _death.Task;

    public bool IsDead => _death.Task.IsCompleted;

    public void Kill() => _death.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _services.DisposeAsync();
    }

    /// <summary>A place where the process may die.</summary>
    public Task PointAsync()
    {
        if (Interlocked.Decrement(ref _pointsLeft) == 0)
        {
            Kill();
        }

        return IsDead ? Never : Task.CompletedTask;
    }

    // The way to the provider and back takes its time, so that callers and replicas overtake each other.
    private async Task TravelAsync(CancellationToken cancellationToken)
    {
        await PointAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(_plan.Next(400)), _clock, cancellationToken);
        await PointAsync();
    }

    private static Task Never => new TaskCompletionSource().Task;

    private sealed class Wire(FaultProcess process, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await process.TravelAsync(cancellationToken);
            HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
            await process.TravelAsync(cancellationToken);
            return response;
        }
    }

    private sealed class Disk(FaultProcess process, IIdempotencyStore inner) : IIdempotencyStore
    {
        public async ValueTask<IdempotencyClaim> ClaimAsync(PaymentRecord proposed, TimeSpan lease, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            IdempotencyClaim claim = await inner.ClaimAsync(proposed, lease, cancellationToken);
            await AfterAsync();
            return claim;
        }

        public async ValueTask<PaymentRecord?> TryUpdateAsync(PaymentRecord record, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            PaymentRecord? stored = await inner.TryUpdateAsync(record, cancellationToken);
            await AfterAsync();
            return stored;
        }

        public async ValueTask<PaymentRecord?> FindAsync(string tag, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            return await inner.FindAsync(tag, cancellationToken);
        }

        public async ValueTask<PaymentRecord?> FindByLinkAsync(string linkId, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            return await inner.FindByLinkAsync(linkId, cancellationToken);
        }

        public async ValueTask<PaymentRecord?> FindByPaymentAsync(string paymentId, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            return await inner.FindByPaymentAsync(paymentId, cancellationToken);
        }

        public async ValueTask<IReadOnlyList<PaymentRecord>> QueryAsync(PaymentRecordQuery query, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            return await inner.QueryAsync(query, cancellationToken);
        }

        public ValueTask<PaymentRecordCounts> CountAsync(CancellationToken cancellationToken = default) => inner.CountAsync(cancellationToken);

        public bool IsDurable => inner.IsDurable;

        public async ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(int limit, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            return await inner.ListUnsettledAsync(limit, cancellationToken);
        }

        public async ValueTask<int> CountUnsettledAsync(CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            return await inner.CountUnsettledAsync(cancellationToken);
        }

        public async ValueTask<bool> TryAddEventAsync(string eventId, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            bool isNew = await inner.TryAddEventAsync(eventId, cancellationToken);
            await AfterAsync();
            return isNew;
        }

        public async ValueTask<bool> HasEventAsync(string eventId, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            return await inner.HasEventAsync(eventId, cancellationToken);
        }

        public async ValueTask<int> PruneAsync(TimeSpan age, CancellationToken cancellationToken = default)
        {
            await BeforeAsync();
            return await inner.PruneAsync(age, cancellationToken);
        }

        private async Task BeforeAsync()
        {
            if (process._plan.Next(2) == 0)
            {
                await Task.Yield();
            }

            await process.PointAsync();
            if (process._plan.NextStoreFault())
            {
                throw new IOException("The store failed by script.");
            }
        }

        // The write happened; the answer may be lost, by death or by a failure of the store's connection.
        private async Task AfterAsync()
        {
            await process.PointAsync();
            if (process._plan.NextStoreFault())
            {
                throw new IOException("The store's answer was lost by script.");
            }
        }
    }
}
