using System.Globalization;
using System.Text.Json;
using Coach.Payments.Gateways;

namespace Coach.Payments.Stripe;

/// <summary>Stripe's REST API.</summary>
internal sealed class StripeGateway(StripeTransport transport, StripeOptions options) : IPaymentGateway
{
    private const int PageSize = 100;
    private const string Expansion = "expand[]=data.payment_intent.latest_charge.balance_transaction&";

    private volatile bool _mayExpand = true;

    public string Name => "stripe";

    public GatewayCapabilities Capabilities { get; } =
        GatewayCapabilities.Full with { CanRefund = true, HasSellingOptions = true };

    public GatewayMode Mode => transport.Mode;

    public async Task<GatewayResult<bool>> ProbeAsync(CancellationToken cancellationToken = default)
    {
        // The cheapest authenticated read. Any answer but 401 and 5xx proves that the service is up and knows the key.
        GatewayResult<bool> result = await transport.SendAsync<bool>(
            Get("/v1/balance"), static (_, _) => true, cancellationToken).ConfigureAwait(false);
        return result.Failure?.Kind is GatewayFailureKind.Forbidden or GatewayFailureKind.NotFound
            or GatewayFailureKind.RateLimited or GatewayFailureKind.Rejected ? true : result;
    }

    public Task<GatewayResult<GatewayPrice>> CreatePriceAsync(
        GatewayPriceRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StripeForm form = new StripeForm()
            .Add("currency", request.Amount.Currency)
            .Add("unit_amount", request.Amount.MinorUnits)
            .Add(request.ProductId is null ? "product_data[name]" : "product", request.ProductId ?? request.ProductName)
            .Add("lookup_key", request.LookupKey)
            .Add("metadata", request.Metadata);
        AddIfSet(form, "product_data[tax_code]", request.ProductId is null ? request.TaxCode : null);
        AddIfSet(form, "tax_behavior", NameOf(request.TaxBehavior));
        return transport.SendAsync(Post("/v1/prices", form, request.IdempotencyKey), ReadPrice, cancellationToken);

        GatewayResult<GatewayPrice>? ReadPrice(JsonElement json, StripeReply reply)
        {
            if (StripeObjects.ReadPrice(json, reply.ServerTime, isNew: !reply.IsReplay) is not { } price)
            {
                return null;
            }

            if (price.Amount is { } amount && amount != request.Amount)
            {
                const string message = "Stripe's price has another amount than was asked for.";
                return new GatewayFailure(GatewayFailureKind.BadAnswer, message) { RequestId = reply.RequestId };
            }

            return price;
        }
    }

    public Task<GatewayResult<GatewayPrice?>> FindPriceAsync(
        string lookupKey, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(lookupKey);
        string path = $"/v1/prices?lookup_keys[]={Uri.EscapeDataString(lookupKey)}&limit=10";
        return transport.SendAsync(Get(path), ReadPrices, cancellationToken);

        GatewayResult<GatewayPrice?>? ReadPrices(JsonElement json, StripeReply reply)
        {
            if (StripeObjects.ReadList(json) is not { } list)
            {
                return null;
            }

            // The key is unique among active prices; one that was archived keeps it, and may know the link.
            GatewayPrice? archived = null;
            foreach (JsonElement item in list.Where(item => item.Text("lookup_key") == lookupKey))
            {
                GatewayPrice? price = StripeObjects.ReadPrice(item, reply.ServerTime, isNew: false);
                if (price is not null && item.Flag("active") != false)
                {
                    return price;
                }

                archived ??= price;
            }

            return new GatewayResult<GatewayPrice?>(archived);
        }
    }

    public Task<GatewayResult<GatewayLink>> CreateLinkAsync(
        GatewayLinkRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StripeForm form = new StripeForm()
            .Add("line_items[0][price]", request.PriceId)
            .Add("line_items[0][quantity]", request.Quantity);
        AddQuantities(form, "line_items[0]", request.MinQuantity, request.MaxQuantity);
        for (int i = 0; i < request.MoreItems.Count; i++)
        {
            PaymentLineItem item = request.MoreItems[i];
            string line = string.Create(CultureInfo.InvariantCulture, $"line_items[{i + 1}]");
            AddLine(form, line, item, request.Options?.TaxBehavior);
            form.Add($"{line}[quantity]", item.Quantity);
            AddQuantities(form, line, item.MinQuantity, item.MaxQuantity);
        }

        StripeLinkForm.Add(form, request.Options, hasRedirect: request.RedirectUrl is not null);
        if (request.IsSingleUse)
        {
            form.Add("restrictions[completed_sessions][limit]", 1);
        }

        if (request.RedirectUrl is { } redirect)
        {
            form.Add("after_completion[type]", "redirect")
                .Add("after_completion[redirect][url]", StripeObjects.FormatRedirectUrl(redirect));
        }

        // A link's metadata reaches its Checkout Sessions alone; refunds and disputes know only the payment.
        form.Add("metadata", request.Metadata).Add("payment_intent_data[metadata]", request.Metadata);
        return transport.SendAsync(
            Post("/v1/payment_links", form, request.IdempotencyKey), ReadLink, cancellationToken);
    }

    public async Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(priceId);
        ArgumentException.ThrowIfNullOrEmpty(linkId);
        if (options.NoteLinks == false)
        {
            return false;
        }

        StripeForm form = new StripeForm().Add($"metadata[{PaymentMetadata.Link}]", linkId);
        StripeCall call = Post($"/v1/prices/{Uri.EscapeDataString(priceId)}", form, $"{priceId}:note:{linkId}");
        return await transport.SendAsync<bool>(
            call, static (json, _) => json.Text("id") is null ? null : true, cancellationToken).ConfigureAwait(false);
    }

    public async Task<GatewayResult<GatewayLink?>> FindLinkAsync(
        GatewayLinkQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return query.LinkId is { } id
            ? await FindByIdAsync(id, cancellationToken).ConfigureAwait(false)
            : await FindByTagAsync(query.Tag, cancellationToken).ConfigureAwait(false);
    }

    public Task<GatewayResult<GatewayLink>> DeactivateLinkAsync(
        string linkId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(linkId);

        // No idempotency key: closing twice is closing once, and a stored failure must not be replayed for a day.
        StripeCall call =
            Post($"/v1/payment_links/{Uri.EscapeDataString(linkId)}", new StripeForm().Add("active", false), null);
        return transport.SendAsync(call, ReadLink, cancellationToken);
    }

    public async Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);

        // With the charge and its fee, which a restricted key may not be allowed to read: then without them.
        if (query.WithCharges && _mayExpand)
        {
            GatewayResult<IReadOnlyList<GatewaySession>> whole =
                await ListSessionsAsync(query, Expansion, cancellationToken).ConfigureAwait(false);
            if (whole.Failure is not { Kind: GatewayFailureKind.Forbidden or GatewayFailureKind.Rejected })
            {
                return whole;
            }

            _mayExpand = false;
        }

        return await ListSessionsAsync(query, "", cancellationToken).ConfigureAwait(false);
    }

    private async Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        GatewaySessionQuery query, string expansion, CancellationToken cancellationToken)
    {
        var sessions = new List<GatewaySession>();
        string path = $"/v1/checkout/sessions?payment_link={Uri.EscapeDataString(query.LinkId)}&{expansion}";
        GatewayFailure? problem = await EachPageAsync(path, (item, _) =>
        {
            bool isOfLink = StripeObjects.ReadReference(item, "payment_link") == query.LinkId;
            if (isOfLink && StripeObjects.ReadSession(item) is { } session)
            {
                sessions.Add(session);
            }

            return true;
        }, cancellationToken).ConfigureAwait(false);
        return problem is not null ? problem : sessions;
    }

    public Task<GatewayResult<GatewaySession>> ExpireSessionAsync(
        string sessionId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(sessionId);
        string path = $"/v1/checkout/sessions/{Uri.EscapeDataString(sessionId)}/expire";
        return transport.SendAsync(Post(path, new StripeForm(), null), ReadSession, cancellationToken);

        static GatewayResult<GatewaySession>? ReadSession(JsonElement json, StripeReply reply) =>
            StripeObjects.ReadSession(json) is { } session ? (GatewayResult<GatewaySession>?)session : null;
    }

    public Task<GatewayResult<GatewayRefund>> RefundAsync(
        GatewayRefundRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StripeForm form = new StripeForm().Add("payment_intent", request.PaymentIntentId);
        if (request.MinorUnits is { } amount)
        {
            form.Add("amount", amount);
        }

        form.Add("metadata", request.Metadata);
        return transport.SendAsync(Post("/v1/refunds", form, request.IdempotencyKey), ReadRefund, cancellationToken);

        static GatewayResult<GatewayRefund>? ReadRefund(JsonElement json, StripeReply reply) =>
            StripeObjects.ReadRefund(json) is { } refund ? (GatewayResult<GatewayRefund>?)refund : null;
    }

    public async Task<GatewayResult<IReadOnlyList<GatewayRefund>>> ListRefundsAsync(
        string paymentIntentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(paymentIntentId);
        var refunds = new List<GatewayRefund>();
        string path = $"/v1/refunds?payment_intent={Uri.EscapeDataString(paymentIntentId)}&";
        GatewayFailure? problem = await EachPageAsync(path, (item, _) =>
        {
            if (StripeObjects.ReadRefund(item) is { } refund)
            {
                refunds.Add(refund);
            }

            return true;
        }, cancellationToken).ConfigureAwait(false);
        return problem is not null ? problem : refunds;
    }

    private static void AddLine(
        StripeForm form, string line, PaymentLineItem item, PaymentTaxBehavior? taxBehavior)
    {
        if (item.PriceId is { } price)
        {
            form.Add($"{line}[price]", price);
            return;
        }

        form.Add($"{line}[price_data][currency]", item.UnitPrice.Currency)
            .Add($"{line}[price_data][unit_amount]", item.UnitPrice.MinorUnits);
        if (item.ProductId is { } product)
        {
            form.Add($"{line}[price_data][product]", product);
        }
        else
        {
            form.Add($"{line}[price_data][product_data][name]", item.Description);
            AddIfSet(form, $"{line}[price_data][product_data][tax_code]", item.TaxCode);
        }

        AddIfSet(form, $"{line}[price_data][tax_behavior]", NameOf(taxBehavior));
    }

    private static void AddQuantities(StripeForm form, string line, int? least, int? most)
    {
        if (least is null && most is null)
        {
            return;
        }

        form.Add($"{line}[adjustable_quantity][enabled]", true);
        if (least is { } minimum)
        {
            form.Add($"{line}[adjustable_quantity][minimum]", minimum);
        }

        if (most is { } maximum)
        {
            form.Add($"{line}[adjustable_quantity][maximum]", maximum);
        }
    }

    private static void AddIfSet(StripeForm form, string name, string? value)
    {
        if (value is not null)
        {
            form.Add(name, value);
        }
    }

    private static string? NameOf(PaymentTaxBehavior? behavior) => behavior switch
    {
        PaymentTaxBehavior.Inclusive => "inclusive",
        PaymentTaxBehavior.Exclusive => "exclusive",
        PaymentTaxBehavior.Unspecified => "unspecified",
        _ => null,
    };

    private static StripeCall Get(string path) => new(HttpMethod.Get, path);

    private static StripeCall Post(string path, StripeForm form, string? idempotencyKey) =>
        new(HttpMethod.Post, path, form, idempotencyKey);

    private static GatewayResult<GatewayLink>? ReadLink(JsonElement json, StripeReply reply) =>
        StripeObjects.ReadLink(json, reply.IsReplay) is { } link ? (GatewayResult<GatewayLink>?)link : null;

    private async Task<GatewayResult<GatewayLink?>> FindByIdAsync(string id, CancellationToken cancellationToken)
    {
        StripeCall call = Get($"/v1/payment_links/{Uri.EscapeDataString(id)}");
        GatewayResult<GatewayLink> found = await transport.SendAsync<GatewayLink>(
            call, ReadLink, cancellationToken).ConfigureAwait(false);
        if (found.TryGet(out GatewayLink? link, out GatewayFailure? failure))
        {
            return link;
        }

        return failure.Kind == GatewayFailureKind.NotFound
            ? new GatewayResult<GatewayLink?>((GatewayLink?)null)
            : failure;
    }

    private async Task<GatewayResult<GatewayLink?>> FindByTagAsync(string tag, CancellationToken cancellationToken)
    {
        GatewayLink? match = null;
        GatewayFailure? problem = await EachPageAsync("/v1/payment_links?", (item, reply) =>
        {
            bool isOfTag = StripeObjects.ReadMetadata(item, PaymentMetadata.Tag) == tag;

            // Should there be two, the one that can be paid counts.
            if (isOfTag && StripeObjects.ReadLink(item, reply.IsReplay) is { } link && (match is null || link.IsActive))
            {
                match = link;
            }

            return match is not { IsActive: true };
        }, cancellationToken).ConfigureAwait(false);
        return match is null && problem is not null ? problem : new GatewayResult<GatewayLink?>(match);
    }

    private async Task<GatewayFailure?> EachPageAsync(
        string path, Func<JsonElement, StripeReply, bool> visit, CancellationToken cancellationToken)
    {
        string? after = null;
        for (int page = 0; page < options.MaxPages; page++)
        {
            string cursor = after is null ? "" : $"&starting_after={Uri.EscapeDataString(after)}";
            StripeCall call = Get(string.Create(CultureInfo.InvariantCulture, $"{path}limit={PageSize}{cursor}"));
            GatewayResult<(string? Next, bool HasMore)> result =
                await transport.SendAsync<(string? Next, bool HasMore)>(
                call, (json, reply) => ReadPage(json, reply, visit), cancellationToken).ConfigureAwait(false);
            if (!result.TryGet(out (string? Next, bool HasMore) at, out GatewayFailure? failure))
            {
                return failure;
            }

            if (!at.HasMore)
            {
                return null;
            }

            if (at.Next is null || at.Next == after)
            {
                // Taking this for the end would turn "not found" into "does not exist".
                return new GatewayFailure(
                    GatewayFailureKind.BadAnswer, "Stripe says that its list goes on, but not where.");
            }

            after = at.Next;
        }

        return new GatewayFailure(GatewayFailureKind.Unknown,
            $"The list is longer than {options.MaxPages} pages. Raise Coach:Payments:Stripe:MaxPages.");
    }

    private static GatewayResult<(string? Next, bool HasMore)>? ReadPage(
        JsonElement json, StripeReply reply, Func<JsonElement, StripeReply, bool> visit)
    {
        if (StripeObjects.ReadList(json) is not { } list)
        {
            return null;
        }

        string? last = null;
        foreach (JsonElement item in list)
        {
            last = item.Text("id") ?? last;
            if (!visit(item, reply))
            {
                return ((string?)null, false);
            }
        }

        return (last, json.Flag("has_more") == true);
    }
}
