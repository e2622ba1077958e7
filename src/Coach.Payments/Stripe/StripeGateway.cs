using System.Globalization;
using System.Text.Json;
using Coach.Payments.Gateways;

namespace Coach.Payments.Stripe;

/// <summary>Stripe's REST API.</summary>
internal sealed class StripeGateway(StripeTransport transport, StripeOptions options) : IPaymentGateway
{
    private const int PageSize = 100;

    public string Name => "stripe";

    public GatewayCapabilities Capabilities => GatewayCapabilities.Full;

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
            .Add("product_data[name]", request.ProductName)
            .Add("lookup_key", request.LookupKey)
            .Add("metadata", request.Metadata);
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
        for (int i = 0; i < request.MoreItems.Count; i++)
        {
            PaymentLineItem item = request.MoreItems[i];
            string line = string.Create(CultureInfo.InvariantCulture, $"line_items[{i + 1}]");
            form.Add($"{line}[price_data][currency]", item.UnitPrice.Currency)
                .Add($"{line}[price_data][unit_amount]", item.UnitPrice.MinorUnits)
                .Add($"{line}[price_data][product_data][name]", item.Description)
                .Add($"{line}[quantity]", item.Quantity);
        }

        if (request.IsSingleUse)
        {
            form.Add("restrictions[completed_sessions][limit]", 1);
        }

        if (request.RedirectUrl is { } redirect)
        {
            form.Add("after_completion[type]", "redirect")
                .Add("after_completion[redirect][url]", StripeObjects.FormatRedirectUrl(redirect));
        }

        form.Add("metadata", request.Metadata);
        return transport.SendAsync(
            Post("/v1/payment_links", form, request.IdempotencyKey), ReadLink, cancellationToken);
    }

    public async Task<GatewayResult<bool>> NoteLinkAsync(
        string priceId, string linkId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(priceId);
        ArgumentException.ThrowIfNullOrEmpty(linkId);
        if (!options.NoteLinks)
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
        var sessions = new List<GatewaySession>();
        string path = $"/v1/checkout/sessions?payment_link={Uri.EscapeDataString(query.LinkId)}&";
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
