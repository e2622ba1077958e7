using System.Globalization;
using Coach.AspNetCore;
using Coach.Payments;
using Coach.Proofs.Payments;
using Coach.Testing;
using Coach.Usage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Usage;

/// <summary>
/// Schedules in which packs of credits are bought, paid and refunded while webhooks come twice, late, out of order or not at all, polls and
/// reconciliation race them, and the host dies before, within and after a fact is handled. In the end every payment was credited once,
/// every refund taken back once, and each balance is what the provider's books say.
/// </summary>
internal static class CreditFaultsProof
{
    private static readonly TimeSpan Lease = TimeSpan.FromHours(1);

    /// <summary>What the schedules gave.</summary>
    public sealed class Result
    {
        public int Schedules { get; set; }

        public int DoubleCredits { get; set; }

        public int Lost { get; set; }

        public int WrongBalance { get; set; }

        public int Broken { get; set; }

        public long Payments { get; set; }

        public long Refunds { get; set; }

        public long Crashes { get; set; }

        public long Spent { get; set; }

        public List<string> Findings { get; } = [];

        public bool IsClean => DoubleCredits + Lost + WrongBalance + Broken == 0;

        public string ToJson(int seed) => string.Create(CultureInfo.InvariantCulture,
            $"{{\"cases\":{Schedules},\"failed\":{DoubleCredits + Lost + WrongBalance + Broken},\"schedules\":{Schedules},\"doubleCredits\":{DoubleCredits},\"lost\":{Lost},\"wrongBalance\":{WrongBalance},\"broken\":{Broken},\"payments\":{Payments},\"refunds\":{Refunds},\"crashes\":{Crashes},\"spent\":{Spent},\"seed\":{seed}}}");
    }

    public static async Task<Result> RunAsync(int schedules, int seed)
    {
        var total = new Result();
        for (int index = 0; index < schedules; index++)
        {
            await using var schedule = new Schedule(seed, index, total);
            await VirtualTimeDriver.RunAsync(schedule.Clock, schedule.RunAsync());
        }

        return total;
    }

    private sealed class Schedule : IAsyncDisposable
    {
        private readonly Random _random;
        private readonly Result _result;
        private readonly string _name;
        private readonly VirtualClock _clock = new();
        private readonly StripeFake _fake;
        private readonly MemoryIdempotencyStore _records;
        private readonly MemoryUsageLedger _ledger;
        private readonly MemoryBudgetStore _budgets;
        private readonly List<Purchase> _purchases = [];
        private readonly List<StripeWebhook> _webhooks = [];
        private long _spent;
        private ServiceProvider _host;

        public Schedule(int seed, int index, Result result)
        {
            _random = new Random(HashCode.Combine(seed) ^ (index * 7919));
            _result = result;
            _name = $"schedule {index} of seed {seed}";
            _fake = new StripeFake(options => options.Time = _clock);
            _records = new MemoryIdempotencyStore(_clock);
            _ledger = new MemoryUsageLedger(_clock);
            _budgets = new MemoryBudgetStore(_clock);
            _host = Start();
        }

        public VirtualClock Clock => _clock;

        private string Account => "credits:u:-:anna";

        public async Task RunAsync()
        {
            _result.Schedules++;
            int packs = 1 + _random.Next(3);
            for (int i = 0; i < packs; i++)
            {
                await BuyAsync(i);
            }

            for (int step = 10 + _random.Next(30); step > 0; step--)
            {
                await StepAsync();
            }

            await CalmAsync();
            await AuditAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await _host.DisposeAsync();
            await _fake.DisposeAsync();
        }

        private ServiceProvider Start()
        {
            var services = new ServiceCollection();
            services.AddLogging();
            services.AddSingleton<TimeProvider>(_clock);
            services.AddSingleton(new Random(_random.Next()));
            services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Coach:Mode"] = "real",
                ["STRIPE_API_KEY"] = "sk_test_credits",
                ["STRIPE_WEBHOOK_SECRET"] = _fake.WebhookSecret,
            }).Build());
            services.AddCoachUsage().UseLedger(_ => _ledger).UseBudgetStore(_ => _budgets);
            CoachPaymentsBuilder payments = services.AddCoachPayments();
            payments.HttpClient.ConfigurePrimaryHttpMessageHandler(() => _fake.CreateHandler());
            payments.UseStore(_ => _records).WithCredits();
            return services.BuildServiceProvider();
        }

        private async Task BuyAsync(int i)
        {
            long price = 100 + _random.Next(5_000);
            long micros = 1 + _random.NextInt64(50_000_000);
            PaymentLink link = await _host.GetRequiredService<IPaymentLinks>().CreateAsync(new PaymentLinkRequest
            {
                OperationKey = string.Create(CultureInfo.InvariantCulture, $"credits-{i}"),
                Amount = Money.Create(price, "usd"),
                Description = "Credits",
                Owner = "session-1",
                Reference = string.Create(CultureInfo.InvariantCulture, $"credits:pack:{micros}:u:-:anna"),
            });
            _purchases.Add(new Purchase(link.Id, price, micros));
        }

        private async Task StepAsync()
        {
            Purchase purchase = _purchases[_random.Next(_purchases.Count)];
            switch (_random.Next(10))
            {
                case 0 or 1 when purchase.Session is null:
                    purchase.Session = _fake.Pay(purchase.Link)?.Id;
                    if (purchase.Session is not null)
                    {
                        _result.Payments++;
                        _webhooks.Add(_fake.BuildWebhook("checkout.session.completed", purchase.Session));
                    }

                    break;
                case 2 when purchase is { Session: not null } && purchase.Refunded < purchase.Price:
                    long amount = 1 + _random.NextInt64(purchase.Price - purchase.Refunded);
                    StripeFakeRefund refund = _fake.Refund(purchase.Session, amount);
                    purchase.Refunded += amount;
                    _result.Refunds++;
                    _webhooks.Add(_fake.BuildChargeWebhook("charge.refunded", purchase.Session));
                    _webhooks.Add(_fake.BuildRefundWebhook("refund.created", refund.Id));

                    // Stripe's events carry whole seconds: two of one second have no order.
                    _clock.Advance(TimeSpan.FromSeconds(1 + _random.Next(60)));
                    break;
                case 3 or 4 when _webhooks.Count > 0:
                    // Any one, again and again, in any order; those that are never chosen here are late or lost.
                    await DeliverAsync(_webhooks[_random.Next(_webhooks.Count)]);
                    break;
                case 5:
                    await _host.GetRequiredService<IPaymentLinks>().GetStatusAsync(purchase.Link);
                    break;
                case 6:
                    await _host.GetRequiredService<IPaymentLinks>().ReconcileAsync();
                    break;
                case 7:
                    await HandleAsync(mayDie: true);
                    break;
                case 8:
                    await SpendAsync();
                    break;
                case 9 when _random.Next(2) == 0:
                    await RestartAsync();
                    break;
                default:
                    _clock.Advance(TimeSpan.FromSeconds(_random.Next(600)));
                    break;
            }
        }

        private Task DeliverAsync(StripeWebhook webhook)
        {
            StripeWebhook signed = StripeWebhook.Sign(webhook.Body, _fake.WebhookSecret, _clock.GetUtcNow());
            return _host.GetRequiredService<IPaymentWebhooks>().HandleAsync(signed.Body, signed.SignatureHeader);
        }

        private async Task<int> HandleAsync(bool mayDie)
        {
            var events = _host.GetRequiredService<IPaymentEvents>();
            IReadOnlyList<PaymentFact> facts = await events.ClaimAsync(10, Lease);
            foreach (PaymentFact fact in facts)
            {
                int fate = mayDie ? _random.Next(5) : 4;
                if (fate == 0)
                {
                    await RestartAsync(); // before it was handled: the fact comes again after its lease
                    break;
                }

                foreach (IPaymentEventHandler handler in _host.GetServices<IPaymentEventHandler>())
                {
                    await handler.HandleAsync(fact);
                    if (fate == 1)
                    {
                        await handler.HandleAsync(fact);
                    }
                }

                if (fate == 2)
                {
                    await RestartAsync(); // handled, and nobody says so
                    break;
                }

                await events.ConfirmAsync(fact);
            }

            return facts.Count;
        }

        private async Task SpendAsync()
        {
            var credits = _host.GetRequiredService<ICredits>();
            var price = new MicroAmount(1 + _random.NextInt64(2_000_000), "usd");
            CreditReservation reservation;
            try
            {
                reservation = await credits.ReserveAsync(Account, price);
            }
            catch (UsageException)
            {
                return;
            }

            if (_random.Next(4) == 0)
            {
                await RestartAsync(); // the call died with the host: its lease ends
                return;
            }

            await credits.SettleAsync(reservation, price);
            await credits.SettleAsync(reservation, price);
            _spent += price.Micros;
            _result.Spent++;
        }

        private async Task RestartAsync()
        {
            _result.Crashes++;
            await _host.DisposeAsync();
            _host = Start();
        }

        // The storm is over: what Stripe keeps sending arrives, open links are asked about, facts are handled.
        private async Task CalmAsync()
        {
            _clock.Advance(Lease * 2);
            foreach (Purchase purchase in _purchases)
            {
                await _host.GetRequiredService<IPaymentLinks>().GetStatusAsync(purchase.Link);
            }

            foreach (StripeWebhook webhook in _webhooks)
            {
                await DeliverAsync(webhook);
            }

            for (int pass = 0; pass < 100 && await HandleAsync(mayDie: false) > 0; pass++)
            {
            }
        }

        private async Task AuditAsync()
        {
            long expected = -_spent;
            foreach (Purchase purchase in _purchases.Where(purchase => purchase.Session is not null))
            {
                expected += purchase.Micros - (long)((Int128)purchase.Micros * purchase.Refunded / purchase.Price);
                int credited = 0;
                await foreach (LedgerEntry entry in _ledger.ReadAsync(
                    new LedgerQuery { Account = Account, Kind = LedgerEntryKind.Credit }))
                {
                    credited += entry.Reference == purchase.Link ? 1 : 0;
                }

                _result.DoubleCredits += credited > 1 ? 1 : 0;
                _result.Lost += credited == 0 ? 1 : 0;
                if (credited != 1)
                {
                    _result.Findings.Add($"{_name}: {purchase.Link} was credited {credited} times");
                }
            }

            long balance = (await _ledger.GetBalanceAsync(Account, "usd")).Micros;
            CreditBalance seen = await _host.GetRequiredService<ICredits>().GetBalanceAsync(Account);
            if (balance != expected || seen.Reserved.Micros != 0)
            {
                _result.WrongBalance++;
                foreach (Purchase purchase in _purchases)
                {
                    PaymentRecord? record = await _records.FindByLinkAsync(purchase.Link);
                    _result.Findings.Add($"{_name}: {purchase.Link} of {purchase.Price}, {purchase.Refunded} given back: {string.Join(", ", record?.Facts.Select(fact => $"{fact.Kind} {fact.MinorUnits}/{fact.TotalMinorUnits} {fact.State}") ?? [])}");
                }

                _result.Findings.Add($"{_name}: the balance is {balance} with {seen.Reserved.Micros} reserved, the books say {expected}");
            }

            if (!(await _ledger.VerifyAsync()).IsWhole)
            {
                _result.Broken++;
                _result.Findings.Add($"{_name}: the ledger is not whole");
            }
        }
    }

    private sealed record Purchase(string Link, long Price, long Micros)
    {
        public string? Session { get; set; }

        public long Refunded { get; set; }
    }
}
