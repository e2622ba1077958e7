using Coach.Payments;
using Coach.Payments.Gateways;
using Coach.Testing.Payments;
using static Coach.Testing.Payments.GatewayContractContext;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IPaymentGateway"/> must do, as checks a test can run against a gateway of its own: one test
/// per name of <see cref="Names"/> that calls <see cref="RunAsync"/>. A capability the gateway reports is checked to
/// hold; one that it does not report must be answered with <see cref="GatewayFailureKind.NotSupported"/>.
/// </summary>
public static class PaymentGatewayContract
{
    private static readonly Dictionary<string, Func<GatewayContractContext, Task>> Checks = new(StringComparer.Ordinal)
    {
        ["Name_IsOfAClosedSet"] = NameAsync,
        ["Probe_Answering_IsTrue"] = static context =>
            ValueAsync(context.Gateway.ProbeAsync(context.Token), "the probe"),
        ["CreatePrice_ShowsIdAndAmount"] = PriceAsync,
        ["CreatePrice_LookupKeyTaken_MakesNoSecond"] = LookupKeyAsync,
        ["FindPrice_LeadsToThePriceOrSaysThatItCannot"] = FindPriceAsync,
        ["CreateLink_ShowsIdAndAddress"] = LinkAsync,
        ["CreateLink_SameIdempotencyKey_IsTheSameLink"] = IdempotencyAsync,
        ["CreateLink_SeveralLines_AreTakenOrRefused"] = LinesAsync,
        ["CreateLink_UnknownPrice_IsAFailure"] = UnknownPriceAsync,
        ["FindLink_ByIdAndTag_FindsItOrSaysThatItCannot"] = FindLinkAsync,
        ["NoteLink_LeadsFromThePriceToTheLink"] = NoteAsync,
        ["Deactivate_Twice_IsOnce"] = DeactivateAsync,
        ["Sessions_OfAnOpenedLink_BelongToItAlone"] = SessionsAsync,
        ["Sessions_Paid_ShowAmountAndCurrency"] = PaidAsync,
        ["ExpireSession_OpenThenEnded"] = ExpireAsync,
        ["EveryCall_Cancelled_Throws"] = CancelledAsync,
    };

    /// <summary>The names of the checks.</summary>
    public static IReadOnlyList<string> Names => [.. Checks.Keys];

    /// <summary>Runs one check.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="gateway">A gateway whose provider answers.</param>
    /// <param name="open">Lets a payer open a link; gives the visit's id. Null where nobody can.</param>
    /// <param name="pay">Lets a payer open a link and pay it in full. Null where nobody can.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>A task that ends when the check passed.</returns>
    /// <exception cref="ArgumentException">There is no such check.</exception>
    /// <exception cref="InvalidOperationException">The gateway broke the contract; the message says how.</exception>
    public static async Task RunAsync(
        string name, IPaymentGateway gateway, Func<string, Task<string>>? open = null, Func<string, Task>? pay = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(gateway);
        if (!Checks.TryGetValue(name, out Func<GatewayContractContext, Task>? check))
        {
            throw new ArgumentException($"There is no check '{name}'.", nameof(name));
        }

        // Some gateways know what they can do only once they have asked.
        await ValueAsync(gateway.ProbeAsync(cancellationToken), "the probe").ConfigureAwait(false);
        await check(new GatewayContractContext(gateway, open, pay, cancellationToken)).ConfigureAwait(false);
    }

    private static Task NameAsync(GatewayContractContext context)
    {
        Check(context.Gateway.Name.Length is > 0 and <= 40
            && context.Gateway.Name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'),
            "the name is short and plain: it is a metric label");
        Check(context.Gateway.Mode != GatewayMode.NotConfigured, "a gateway that answers is configured");
        return Task.CompletedTask;
    }

    private static async Task PriceAsync(GatewayContractContext context)
    {
        GatewayPrice price = await context.PriceAsync().ConfigureAwait(false);
        Check(price.Id.Length > 0, "a price has an id");
        Check(price.Amount is null || price.Amount == Amount, "a price that shows its amount shows the one asked for");
        Check(price.IsNew || !context.Can.HasLookupKeys, "a price that was just made says so");
    }

    private static async Task LookupKeyAsync(GatewayContractContext context)
    {
        GatewayPrice first = await context.PriceAsync().ConfigureAwait(false);
        if (!context.Can.HasLookupKeys)
        {
            return;
        }

        GatewayPriceRequest other = context.PriceRequest() with { IdempotencyKey = "other-" + context.Tag };
        GatewayResult<GatewayPrice> second =
            await context.Gateway.CreatePriceAsync(other, context.Token).ConfigureAwait(false);
        Check(
            second.Failure is { Kind: GatewayFailureKind.AlreadyExists, IsOutcomeUnknown: false },
            "a second price with the lookup key is refused as such");
        if (context.Can.HasIdempotencyKeys)
        {
            GatewayPrice again = await context.PriceAsync().ConfigureAwait(false);
            Check(again.Id == first.Id
                && !again.IsNew, "the same idempotency key gives the same price, and does not call it new");
        }
    }

    private static async Task FindPriceAsync(GatewayContractContext context)
    {
        GatewayResult<GatewayPrice?> none =
            await context.Gateway.FindPriceAsync(context.LookupKey, context.Token).ConfigureAwait(false);
        if (!context.Can.HasLookupKeys)
        {
            CheckLacks(none.Failure, "finding a price");
            return;
        }

        Check(none.Failure is null && none.Value is null, "an unknown lookup key is null, not a failure");
        GatewayPrice made = await context.PriceAsync().ConfigureAwait(false);
        GatewayPrice? found =
            (await context.Gateway.FindPriceAsync(context.LookupKey, context.Token).ConfigureAwait(false)).Value;
        Check(found?.Id == made.Id && found.Amount == Amount && found.RequestHash == "hash-1"
            && !found.IsNew, "the lookup key leads to the price with its metadata");
    }

    private static async Task LinkAsync(GatewayContractContext context)
    {
        GatewayLink link = await context.LinkAsync().ConfigureAwait(false);
        Check(link.Id.Length > 0 && link.Url.IsAbsoluteUri
            && link.Url.Scheme is "https" or "http", "a link has an id and an address");
        Check(link.IsActive, "a new link can be paid");
    }

    private static async Task IdempotencyAsync(GatewayContractContext context)
    {
        if (!context.Can.HasIdempotencyKeys)
        {
            return;
        }

        GatewayPrice price = await context.PriceAsync().ConfigureAwait(false);
        GatewayLink first = await ValueAsync(
            context.Gateway.CreateLinkAsync(context.LinkRequest(price), context.Token), "a link").ConfigureAwait(false);
        GatewayLink again = await ValueAsync(
            context.Gateway.CreateLinkAsync(context.LinkRequest(price), context.Token),
            "the link again").ConfigureAwait(false);
        Check(first.Id == again.Id && first.Url == again.Url, "the same idempotency key gives the same link");
    }

    private static async Task LinesAsync(GatewayContractContext context)
    {
        GatewayPrice price = await context.PriceAsync().ConfigureAwait(false);
        var tip = new PaymentLineItem("Tip", Money.Create(250, "usd"));
        GatewayLinkRequest request = context.LinkRequest(price) with { MoreItems = [tip] };
        GatewayResult<GatewayLink> made =
            await context.Gateway.CreateLinkAsync(request, context.Token).ConfigureAwait(false);
        if (context.Can.HasLineItems)
        {
            Check(made.Value is not null, "several lines are taken");
        }
        else
        {
            CheckLacks(made.Failure, "several lines");
        }
    }

    private static async Task UnknownPriceAsync(GatewayContractContext context)
    {
        if (context.Gateway.Mode != GatewayMode.Simulated)
        {
            GatewayResult<GatewayLink> made = await context.Gateway.CreateLinkAsync(
                context.LinkRequest(new GatewayPrice { Id = "price_unknown" }), context.Token).ConfigureAwait(false);
            Check(made.Failure is { Message.Length: > 0 }
                && made.Value is null, "a link of an unknown price is a failure, not an exception and no success");
        }
    }

    private static async Task FindLinkAsync(GatewayContractContext context)
    {
        GatewayResult<GatewayLink?> none =
            await context.Gateway.FindLinkAsync(new GatewayLinkQuery(context.Tag), context.Token).ConfigureAwait(false);
        if (!context.Can.CanFindLinks)
        {
            CheckLacks(none.Failure, "finding a link");
            return;
        }

        Check(none.Failure is null && none.Value is null, "a link that was never made is null, not a failure");
        GatewayResult<GatewayLink?> unknown = await context.Gateway.FindLinkAsync(
            new GatewayLinkQuery(context.Tag, "plink_unknown"), context.Token).ConfigureAwait(false);
        Check(unknown.Failure is null && unknown.Value is null, "an unknown id is null, not a failure");
        GatewayLink made = await context.LinkAsync().ConfigureAwait(false);
        GatewayLink? byTag = await FindAsync(null).ConfigureAwait(false);
        GatewayLink? byId = await FindAsync(made.Id).ConfigureAwait(false);
        Check(byTag?.Id == made.Id && byTag.Url == made.Url, "the tag in its metadata leads to the link");
        Check(byId?.Id == made.Id && byId.Url == made.Url, "its id leads to the link");

        async Task<GatewayLink?> FindAsync(string? id)
        {
            var query = new GatewayLinkQuery(context.Tag, id);
            return (await context.Gateway.FindLinkAsync(query, context.Token).ConfigureAwait(false)).Value;
        }
    }

    private static async Task NoteAsync(GatewayContractContext context)
    {
        GatewayPrice price = await context.PriceAsync().ConfigureAwait(false);
        GatewayResult<bool> noted =
            await context.Gateway.NoteLinkAsync(price.Id, "plink_noted", context.Token).ConfigureAwait(false);
        if (!context.Can.HasLookupKeys)
        {
            CheckLacks(noted.Failure, "noting a link");
            return;
        }

        Check(noted.Value, "the link is noted");
        GatewayResult<GatewayPrice?> found =
            await context.Gateway.FindPriceAsync(context.LookupKey, context.Token).ConfigureAwait(false);
        Check(found.Value?.LinkId == "plink_noted", "the price leads to the link");
    }

    private static async Task DeactivateAsync(GatewayContractContext context)
    {
        GatewayLink link = await context.LinkAsync().ConfigureAwait(false);
        for (int time = 1; time <= 2; time++)
        {
            GatewayResult<GatewayLink> closed =
                await context.Gateway.DeactivateLinkAsync(link.Id, context.Token).ConfigureAwait(false);
            if (!context.Can.CanDeactivate)
            {
                CheckLacks(closed.Failure, "closing a link");
                return;
            }

            Check(closed.Value is { IsActive: false }
                && closed.Value.Id == link.Id, $"a link that was closed ({time}) is not active");
        }
    }

    private static async Task SessionsAsync(GatewayContractContext context)
    {
        GatewayLink link = await context.LinkAsync().ConfigureAwait(false);
        GatewayResult<IReadOnlyList<GatewaySession>> none = await context.SessionsAsync(link).ConfigureAwait(false);
        if (!context.Can.CanListSessions)
        {
            CheckLacks(none.Failure, "listing payments");
            return;
        }

        Check(none.Value is { Count: 0 }, "a link that nobody opened has no payments");
        if (context.Open is not null)
        {
            string id = await context.Open(link.Id).ConfigureAwait(false);
            IReadOnlyList<GatewaySession>? opened = (await context.SessionsAsync(link).ConfigureAwait(false)).Value;
            Check(opened is [{ State: GatewaySessionState.Open } visit]
                && visit.Id == id, "an open visit is listed as open");
            Check(
                (await context.SessionsAsync(link with { Id = "plink_other" }).ConfigureAwait(false)).Value is not
                { Count: > 0 },
                "and not with another link");
        }
    }

    private static async Task PaidAsync(GatewayContractContext context)
    {
        if (context.Pay is null || !context.Can.CanListSessions)
        {
            return;
        }

        GatewayLink link = await context.LinkAsync().ConfigureAwait(false);
        await context.Pay(link.Id).ConfigureAwait(false);
        IReadOnlyList<GatewaySession>? paid = (await context.SessionsAsync(link).ConfigureAwait(false)).Value;
        Check(paid is [{ State: GatewaySessionState.Paid } visit] && visit.AmountTotal == Amount.MinorUnits
            && visit.Currency == Amount.Currency,
            "a payment shows what was paid");
    }

    private static async Task ExpireAsync(GatewayContractContext context)
    {
        if (context.Open is null)
        {
            return;
        }

        GatewayLink link = await context.LinkAsync().ConfigureAwait(false);
        string id = await context.Open(link.Id).ConfigureAwait(false);
        GatewayResult<GatewaySession> ended =
            await context.Gateway.ExpireSessionAsync(id, context.Token).ConfigureAwait(false);
        if (!context.Can.CanListSessions)
        {
            CheckLacks(ended.Failure, "ending a visit");
            return;
        }

        Check(ended.Value is { State: GatewaySessionState.Expired }, "an open visit can be ended");
        GatewayFailure? again =
            (await context.Gateway.ExpireSessionAsync(id, context.Token).ConfigureAwait(false)).Failure;
        Check(again is { Kind: GatewayFailureKind.Rejected }, "one that is no longer open is refused");
    }

    // Every method, so that a new one without its token is found here and not by a caller who waits.
    private static async Task CancelledAsync(GatewayContractContext context)
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync().ConfigureAwait(false);
        CancellationToken token = cancelled.Token;
        var price = new GatewayPrice { Id = "price_1" };
        Dictionary<string, Func<Task>> calls = new(StringComparer.Ordinal)
        {
            ["ProbeAsync"] = () => context.Gateway.ProbeAsync(token),
            ["CreatePriceAsync"] = () => context.Gateway.CreatePriceAsync(context.PriceRequest(), token),
            ["CreateLinkAsync"] = () => context.Gateway.CreateLinkAsync(context.LinkRequest(price), token),
            ["FindPriceAsync"] = () => context.Gateway.FindPriceAsync("coach_1", token),
            ["FindLinkAsync"] = () => context.Gateway.FindLinkAsync(new GatewayLinkQuery("tag"), token),
            ["NoteLinkAsync"] = () => context.Gateway.NoteLinkAsync("price_1", "plink_1", token),
            ["DeactivateLinkAsync"] = () => context.Gateway.DeactivateLinkAsync("plink_1", token),
            ["ListSessionsAsync"] = () =>
                context.Gateway.ListSessionsAsync(
                    new GatewaySessionQuery("plink_1", Amount, DateTimeOffset.UnixEpoch), token),
            ["ExpireSessionAsync"] = () => context.Gateway.ExpireSessionAsync("cs_1", token),
        };
        foreach ((string name, Func<Task> call) in calls)
        {
            bool isCancelled = false;
            try
            {
                await call().ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                isCancelled = true;
            }

            Check(isCancelled, $"{name} with a cancelled token throws");
        }
    }
}
