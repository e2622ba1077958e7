using Coach.Payments;
using static Coach.Testing.GatewayScene;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IPaymentGateway"/> must do, as checks a test can run against a gateway of its own: one test per name of
/// <see cref="Names"/> that calls <see cref="RunAsync"/>. A capability the gateway reports is checked to hold; one that it does not
/// report must be answered with <see cref="GatewayFailureKind.NotSupported"/>.
/// </summary>
public static class PaymentGatewayContract
{
    private static readonly Dictionary<string, Func<GatewayScene, Task>> Checks = new(StringComparer.Ordinal)
    {
        ["Name_IsOfAClosedSet"] = NameAsync,
        ["Probe_Answering_IsTrue"] = static scene => ValueAsync(scene.Gateway.ProbeAsync(scene.Token), "the probe"),
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
    public static async Task RunAsync(string name, IPaymentGateway gateway, Func<string, Task<string>>? open = null, Func<string, Task>? pay = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(gateway);
        if (!Checks.TryGetValue(name, out Func<GatewayScene, Task>? check))
        {
            throw new ArgumentException($"There is no check '{name}'.", nameof(name));
        }

        // Some gateways know what they can do only once they have asked.
        await ValueAsync(gateway.ProbeAsync(cancellationToken), "the probe").ConfigureAwait(false);
        await check(new GatewayScene(gateway, open, pay, cancellationToken)).ConfigureAwait(false);
    }

    private static Task NameAsync(GatewayScene scene)
    {
        Check(scene.Gateway.Name.Length is > 0 and <= 40 && scene.Gateway.Name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'),
            "the name is short and plain: it is a metric label");
        Check(scene.Gateway.Mode != GatewayMode.NotConfigured, "a gateway that answers is configured");
        return Task.CompletedTask;
    }

    private static async Task PriceAsync(GatewayScene scene)
    {
        GatewayPrice price = await scene.PriceAsync().ConfigureAwait(false);
        Check(price.Id.Length > 0, "a price has an id");
        Check(price.Amount is null || price.Amount == Amount, "a price that shows its amount shows the one asked for");
        Check(price.IsNew || !scene.Can.HasLookupKeys, "a price that was just made says so");
    }

    private static async Task LookupKeyAsync(GatewayScene scene)
    {
        GatewayPrice first = await scene.PriceAsync().ConfigureAwait(false);
        if (!scene.Can.HasLookupKeys)
        {
            return;
        }

        GatewayFailure? failure = (await scene.Gateway.CreatePriceAsync(scene.PriceRequest() with { IdempotencyKey = "other-" + scene.Tag }, scene.Token).ConfigureAwait(false)).Failure;
        Check(failure is { Kind: GatewayFailureKind.AlreadyExists, IsOutcomeUnknown: false }, "a second price with the lookup key is refused as such");
        if (scene.Can.HasIdempotencyKeys)
        {
            GatewayPrice again = await scene.PriceAsync().ConfigureAwait(false);
            Check(again.Id == first.Id && !again.IsNew, "the same idempotency key gives the same price, and does not call it new");
        }
    }

    private static async Task FindPriceAsync(GatewayScene scene)
    {
        GatewayResult<GatewayPrice?> none = await scene.Gateway.FindPriceAsync(scene.LookupKey, scene.Token).ConfigureAwait(false);
        if (!scene.Can.HasLookupKeys)
        {
            CheckLacks(none.Failure, "finding a price");
            return;
        }

        Check(none.Failure is null && none.Value is null, "an unknown lookup key is null, not a failure");
        GatewayPrice made = await scene.PriceAsync().ConfigureAwait(false);
        GatewayPrice? found = (await scene.Gateway.FindPriceAsync(scene.LookupKey, scene.Token).ConfigureAwait(false)).Value;
        Check(found?.Id == made.Id && found.Amount == Amount && found.RequestHash == "hash-1" && !found.IsNew, "the lookup key leads to the price with its metadata");
    }

    private static async Task LinkAsync(GatewayScene scene)
    {
        GatewayLink link = await scene.LinkAsync().ConfigureAwait(false);
        Check(link.Id.Length > 0 && link.Url.IsAbsoluteUri && link.Url.Scheme is "https" or "http", "a link has an id and an address");
        Check(link.IsActive, "a new link can be paid");
    }

    private static async Task IdempotencyAsync(GatewayScene scene)
    {
        if (!scene.Can.HasIdempotencyKeys)
        {
            return;
        }

        GatewayPrice price = await scene.PriceAsync().ConfigureAwait(false);
        GatewayLink first = await ValueAsync(scene.Gateway.CreateLinkAsync(scene.LinkRequest(price), scene.Token), "a link").ConfigureAwait(false);
        GatewayLink again = await ValueAsync(scene.Gateway.CreateLinkAsync(scene.LinkRequest(price), scene.Token), "the link again").ConfigureAwait(false);
        Check(first.Id == again.Id && first.Url == again.Url, "the same idempotency key gives the same link");
    }

    private static async Task LinesAsync(GatewayScene scene)
    {
        GatewayPrice price = await scene.PriceAsync().ConfigureAwait(false);
        GatewayResult<GatewayLink> made = await scene.Gateway.CreateLinkAsync(
            scene.LinkRequest(price) with { MoreItems = [new PaymentLineItem("Tip", Money.Create(250, "usd"))] }, scene.Token).ConfigureAwait(false);
        if (scene.Can.HasLineItems)
        {
            Check(made.Value is not null, "several lines are taken");
        }
        else
        {
            CheckLacks(made.Failure, "several lines");
        }
    }

    private static async Task UnknownPriceAsync(GatewayScene scene)
    {
        if (scene.Gateway.Mode != GatewayMode.Simulated)
        {
            GatewayResult<GatewayLink> made = await scene.Gateway.CreateLinkAsync(
                scene.LinkRequest(new GatewayPrice { Id = "price_unknown" }), scene.Token).ConfigureAwait(false);
            Check(made.Failure is { Message.Length: > 0 } && made.Value is null, "a link of an unknown price is a failure, not an exception and no success");
        }
    }

    private static async Task FindLinkAsync(GatewayScene scene)
    {
        GatewayResult<GatewayLink?> none = await scene.Gateway.FindLinkAsync(new GatewayLinkQuery(scene.Tag), scene.Token).ConfigureAwait(false);
        if (!scene.Can.CanFindLinks)
        {
            CheckLacks(none.Failure, "finding a link");
            return;
        }

        Check(none.Failure is null && none.Value is null, "a link that was never made is null, not a failure");
        GatewayResult<GatewayLink?> unknown = await scene.Gateway.FindLinkAsync(new GatewayLinkQuery(scene.Tag, "plink_unknown"), scene.Token).ConfigureAwait(false);
        Check(unknown.Failure is null && unknown.Value is null, "an unknown id is null, not a failure");
        GatewayLink made = await scene.LinkAsync().ConfigureAwait(false);
        GatewayLink? byTag = (await scene.Gateway.FindLinkAsync(new GatewayLinkQuery(scene.Tag), scene.Token).ConfigureAwait(false)).Value;
        GatewayLink? byId = (await scene.Gateway.FindLinkAsync(new GatewayLinkQuery(scene.Tag, made.Id), scene.Token).ConfigureAwait(false)).Value;
        Check(byTag?.Id == made.Id && byTag.Url == made.Url, "the tag in its metadata leads to the link");
        Check(byId?.Id == made.Id && byId.Url == made.Url, "its id leads to the link");
    }

    private static async Task NoteAsync(GatewayScene scene)
    {
        GatewayPrice price = await scene.PriceAsync().ConfigureAwait(false);
        GatewayResult<bool> noted = await scene.Gateway.NoteLinkAsync(price.Id, "plink_noted", scene.Token).ConfigureAwait(false);
        if (!scene.Can.HasLookupKeys)
        {
            CheckLacks(noted.Failure, "noting a link");
            return;
        }

        Check(noted.Value, "the link is noted");
        Check((await scene.Gateway.FindPriceAsync(scene.LookupKey, scene.Token).ConfigureAwait(false)).Value?.LinkId == "plink_noted", "the price leads to the link");
    }

    private static async Task DeactivateAsync(GatewayScene scene)
    {
        GatewayLink link = await scene.LinkAsync().ConfigureAwait(false);
        for (int time = 1; time <= 2; time++)
        {
            GatewayResult<GatewayLink> closed = await scene.Gateway.DeactivateLinkAsync(link.Id, scene.Token).ConfigureAwait(false);
            if (!scene.Can.CanDeactivate)
            {
                CheckLacks(closed.Failure, "closing a link");
                return;
            }

            Check(closed.Value is { IsActive: false } && closed.Value.Id == link.Id, $"a link that was closed ({time}) is not active");
        }
    }

    private static async Task SessionsAsync(GatewayScene scene)
    {
        GatewayLink link = await scene.LinkAsync().ConfigureAwait(false);
        GatewayResult<IReadOnlyList<GatewaySession>> none = await scene.SessionsAsync(link).ConfigureAwait(false);
        if (!scene.Can.CanListSessions)
        {
            CheckLacks(none.Failure, "listing payments");
            return;
        }

        Check(none.Value is { Count: 0 }, "a link that nobody opened has no payments");
        if (scene.Open is not null)
        {
            string id = await scene.Open(link.Id).ConfigureAwait(false);
            IReadOnlyList<GatewaySession>? opened = (await scene.SessionsAsync(link).ConfigureAwait(false)).Value;
            Check(opened is [{ State: GatewaySessionState.Open } visit] && visit.Id == id, "an open visit is listed as open");
            Check((await scene.SessionsAsync(link with { Id = "plink_other" }).ConfigureAwait(false)).Value is not { Count: > 0 }, "and not with another link");
        }
    }

    private static async Task PaidAsync(GatewayScene scene)
    {
        if (scene.Pay is null || !scene.Can.CanListSessions)
        {
            return;
        }

        GatewayLink link = await scene.LinkAsync().ConfigureAwait(false);
        await scene.Pay(link.Id).ConfigureAwait(false);
        IReadOnlyList<GatewaySession>? paid = (await scene.SessionsAsync(link).ConfigureAwait(false)).Value;
        Check(paid is [{ State: GatewaySessionState.Paid } visit] && visit.AmountTotal == Amount.MinorUnits && visit.Currency == Amount.Currency,
            "a payment shows what was paid");
    }

    private static async Task ExpireAsync(GatewayScene scene)
    {
        if (scene.Open is null)
        {
            return;
        }

        GatewayLink link = await scene.LinkAsync().ConfigureAwait(false);
        string id = await scene.Open(link.Id).ConfigureAwait(false);
        GatewayResult<GatewaySession> ended = await scene.Gateway.ExpireSessionAsync(id, scene.Token).ConfigureAwait(false);
        if (!scene.Can.CanListSessions)
        {
            CheckLacks(ended.Failure, "ending a visit");
            return;
        }

        Check(ended.Value is { State: GatewaySessionState.Expired }, "an open visit can be ended");
        GatewayFailure? again = (await scene.Gateway.ExpireSessionAsync(id, scene.Token).ConfigureAwait(false)).Failure;
        Check(again is { Kind: GatewayFailureKind.Rejected }, "one that is no longer open is refused");
    }

    private static async Task CancelledAsync(GatewayScene scene)
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync().ConfigureAwait(false);
        CancellationToken token = cancelled.Token;
        var price = new GatewayPrice { Id = "price_1" };
        Dictionary<string, Func<Task>> calls = new(StringComparer.Ordinal)
        {
            ["ProbeAsync"] = () => scene.Gateway.ProbeAsync(token),
            ["CreatePriceAsync"] = () => scene.Gateway.CreatePriceAsync(scene.PriceRequest(), token),
            ["CreateLinkAsync"] = () => scene.Gateway.CreateLinkAsync(scene.LinkRequest(price), token),
            ["FindPriceAsync"] = () => scene.Gateway.FindPriceAsync("coach_1", token),
            ["FindLinkAsync"] = () => scene.Gateway.FindLinkAsync(new GatewayLinkQuery("tag"), token),
            ["NoteLinkAsync"] = () => scene.Gateway.NoteLinkAsync("price_1", "plink_1", token),
            ["DeactivateLinkAsync"] = () => scene.Gateway.DeactivateLinkAsync("plink_1", token),
            ["ListSessionsAsync"] = () => scene.Gateway.ListSessionsAsync(new GatewaySessionQuery("plink_1", Amount, DateTimeOffset.UnixEpoch), token),
            ["ExpireSessionAsync"] = () => scene.Gateway.ExpireSessionAsync("cs_1", token),
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
