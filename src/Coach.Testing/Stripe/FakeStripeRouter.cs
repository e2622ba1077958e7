namespace Coach.Testing.Stripe;

/// <summary>From method and path to the state and back to JSON.</summary>
internal sealed class FakeStripeRouter(FakeStripeStore state)
{
    public FakeStripeStore State { get; } = state;

    public FakeStripeReply Run(StripeRequest request)
    {
        string[] parts = request.Path.Trim('/').Split('/');
        string id = "";
        string route = request.Method + " " + request.Path.TrimEnd('/');
        if (parts is ["v1", "prices" or "products" or "payment_links" or "refunds", var single])
        {
            (route, id) = ($"{request.Method} /v1/{parts[1]}/{{id}}", single);
        }
        else if (parts is ["v1", "payment_links", var link, "line_items"])
        {
            (route, id) = ($"{request.Method} /v1/payment_links/{{id}}/line_items", link);
        }
        else if (parts is ["v1", "checkout", "sessions", var session])
        {
            (route, id) = ($"{request.Method} /v1/checkout/sessions/{{id}}", session);
        }
        else if (parts is ["v1", "checkout", "sessions", var ended, "expire"])
        {
            (route, id) = ($"{request.Method} /v1/checkout/sessions/{{id}}/expire", ended);
        }

        return new FakeStripeReply(200, Run(route, Uri.UnescapeDataString(id), request));
    }

    private byte[] Run(string route, string id, StripeRequest request)
    {
        IReadOnlyList<KeyValuePair<string, string>> given = request.Method == "GET"
            ? request.QueryParameters
            : request.Form;
        switch (route)
        {
            case "GET /v1/balance":
                return FakeStripeJson.Balance();
            case "GET /v1/account":
                return FakeStripeJson.Account();
            case "POST /v1/products":
                string product = State.CreateProduct(Read());
                return ProductJson(product);
            case "GET /v1/products":
                return ListProducts(Read());
            case "GET /v1/products/{id}":
                return State.Products.ContainsKey(id)
                    ? ProductJson(id)
                    : throw FakeStripeError.Missing("product", id, 404, "id");
            case "POST /v1/prices":
                StripeFakePrice made = State.CreatePrice(Read());
                return FakeStripeJson.Write(json => FakeStripeJson.Price(json, made));
            case "GET /v1/prices":
                return ListPrices(Read());
            case "GET /v1/prices/{id}":
                StripeFakePrice found = State.Prices.Find(price => price.Id == id)
                    ?? throw FakeStripeError.Missing("price", id, 404, "price");
                return FakeStripeJson.Write(json => FakeStripeJson.Price(json, found));
            case "POST /v1/prices/{id}":
                StripeFakePrice changed = State.UpdatePrice(id, Read());
                return FakeStripeJson.Write(json => FakeStripeJson.Price(json, changed));
            case "POST /v1/payment_links":
                StripeFakeLink link = State.CreateLink(Read(), request.Headers.GetValueOrDefault("Stripe-Version"));
                return FakeStripeJson.Write(json => FakeStripeJson.Link(json, link));
            case "GET /v1/payment_links":
                return ListLinks(Read());
            case "GET /v1/payment_links/{id}":
                return LinkJson(State.Links[State.LinkIndex(id, 404)]);
            case "POST /v1/payment_links/{id}":
                return LinkJson(State.UpdateLink(id, Read()));
            case "GET /v1/payment_links/{id}/line_items":
                return ListLines(id, Read());
            case "GET /v1/checkout/sessions":
                return ListSessions(Read());
            case "GET /v1/checkout/sessions/{id}":
                return SessionJson(State.Sessions[State.SessionIndex(id)]);
            case "POST /v1/checkout/sessions/{id}/expire":
                return SessionJson(State.ExpireSession(id));
            case "POST /v1/refunds":
                StripeFakeRefund refund = State.CreateRefund(Read());
                return FakeStripeJson.Write(json => FakeStripeJson.Refund(json, refund));
            case "GET /v1/refunds":
                return ListRefunds(Read());
            case "GET /v1/refunds/{id}":
                StripeFakeRefund known = State.Refunds.Find(refund => refund.Id == id)
                    ?? throw FakeStripeError.Missing("refund", id, 404, "refund");
                return FakeStripeJson.Write(json => FakeStripeJson.Refund(json, known));
            default:
                throw new FakeStripeError(404, $"Unrecognized request URL ({request.Method}: "
                    + $"{request.Path}).")
                { IsValidation = true };
        }

        FakeStripeForm Read() => FakeStripeForm.Read(route, given);
    }

    private byte[] ProductJson(string id) =>
        FakeStripeJson
            .Write(json => FakeStripeJson.Product(json, id, State.Products[id].Name, State.Products[id].Description));

    private static byte[] LinkJson(StripeFakeLink link) =>
        FakeStripeJson.Write(json => FakeStripeJson.Link(json, link));

    private static byte[] SessionJson(StripeFakeSession session) =>
        FakeStripeJson.Write(json => FakeStripeJson.Session(json, session));

    private byte[] ListProducts(FakeStripeForm parameters)
    {
        (IReadOnlyList<string> page, bool hasMore) = parameters.Page(State.Products.Keys.Reverse(), id => id);
        return FakeStripeJson.List(
            "/v1/products", page, hasMore,
            (json, id) => FakeStripeJson.Product(json, id, State.Products[id].Name, State.Products[id].Description));
    }

    private byte[] ListPrices(FakeStripeForm parameters)
    {
        IReadOnlyList<string> keys = parameters.Texts("lookup_keys[]");
        if (keys.Count > 10)
        {
            throw FakeStripeError.Invalid("Array lookup_keys exceeded maximum 10 allowed elements.", "lookup_keys");
        }

        IEnumerable<StripeFakePrice> prices = Newest(State.Prices)
            .Where(price => keys.Count == 0 || (price.LookupKey is { } key && keys.Contains(key)))
            .Where(price => parameters.Text("product") is not { } product || price.ProductId == product)
            .Where(price => parameters.Flag("active") is not { } active || price.IsActive == active);
        (IReadOnlyList<StripeFakePrice> page, bool hasMore) = parameters.Page(prices, price => price.Id);
        return FakeStripeJson.List("/v1/prices", page, hasMore, FakeStripeJson.Price);
    }

    private byte[] ListLinks(FakeStripeForm parameters)
    {
        bool? active = parameters.Flag("active");
        (IReadOnlyList<StripeFakeLink> page, bool hasMore) = parameters.Page(
            Newest(State.Links).Where(link => active is null || link.IsActive == active), link => link.Id);
        return FakeStripeJson.List("/v1/payment_links", page, hasMore, FakeStripeJson.Link);
    }

    private byte[] ListLines(string id, FakeStripeForm parameters)
    {
        StripeFakeLink link = State.Links[State.LinkIndex(id, 404)];
        (IReadOnlyList<StripeFakeLine> page, bool hasMore) = parameters.Page(link.Lines, line => line.PriceId);
        return FakeStripeJson.List($"/v1/payment_links/{id}/line_items", page, hasMore, (json, line) =>
        {
            StripeFakePrice price = State.Prices.First(candidate => candidate.Id == line.PriceId);
            json.WriteStartObject();
            json.WriteString("object", "item");
            json.WriteNumber("amount_total", price.UnitAmount * line.Quantity);
            json.WriteString("currency", price.Currency);
            json.WriteString("description", price.ProductName);
            json.WriteNumber("quantity", line.Quantity);
            json.WriteEndObject();
        });
    }

    private byte[] ListSessions(FakeStripeForm parameters)
    {
        string? link = parameters.Text("payment_link");
        string? status = parameters.Text("status");
        (IReadOnlyList<StripeFakeSession> page, bool hasMore) = parameters.Page(
            Newest(State.Sessions)
                .Where(
                    session => (link is null || session.LinkId == link)
                        && (status is null || session.Status == status)), session => session.Id);
        bool isWhole = parameters.Texts("expand[]").Any(static path =>
            path.StartsWith("data.payment_intent", StringComparison.Ordinal));
        return FakeStripeJson.List("/v1/checkout/sessions", page, hasMore, (json, session) =>
            FakeStripeJson.Session(json, session, isWhole));
    }

    private byte[] ListRefunds(FakeStripeForm parameters)
    {
        string? payment = parameters.Text("payment_intent");
        string? charge = parameters.Text("charge");
        (IReadOnlyList<StripeFakeRefund> page, bool hasMore) = parameters.Page(
            Newest(State.Refunds).Where(refund => (payment is null || refund.PaymentIntentId == payment)
                && (charge is null || refund.ChargeId == charge)), refund => refund.Id);
        return FakeStripeJson.List("/v1/refunds", page, hasMore, FakeStripeJson.Refund);
    }

    // No copy: a page of ten of a list of thousands should cost ten.
    private static IEnumerable<T> Newest<T>(List<T> items)
    {
        for (int i = items.Count - 1; i >= 0; i--)
        {
            yield return items[i];
        }
    }
}
