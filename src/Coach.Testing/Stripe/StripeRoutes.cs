namespace Coach.Testing;

/// <summary>From method and path to the state and back to JSON.</summary>
internal sealed class StripeRoutes(StripeState state)
{
    public StripeState State { get; } = state;

    public StripeReply Run(StripeRequest request)
    {
        string[] parts = request.Path.Trim('/').Split('/');
        string id = "";
        string route = request.Method + " " + request.Path.TrimEnd('/');
        if (parts is ["v1", "prices" or "products" or "payment_links", var single])
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

        return new StripeReply(200, Run(route, Uri.UnescapeDataString(id), request));
    }

    private byte[] Run(string route, string id, StripeRequest request)
    {
        IReadOnlyList<KeyValuePair<string, string>> given = request.Method == "GET" ? request.QueryParameters : request.Form;
        switch (route)
        {
            case "GET /v1/balance":
                return StripeObjects.Balance();
            case "GET /v1/account":
                return StripeObjects.Write(json => { json.WriteStartObject(); json.WriteString("id", "acct_fake"); json.WriteString("object", "account"); json.WriteEndObject(); });
            case "POST /v1/products":
                string product = State.CreateProduct(Read());
                return ProductJson(product);
            case "GET /v1/products":
                return ListProducts(Read());
            case "GET /v1/products/{id}":
                return State.Products.ContainsKey(id) ? ProductJson(id) : throw StripeError.Missing("product", id, 404, "id");
            case "POST /v1/prices":
                StripeFakePrice made = State.CreatePrice(Read());
                return StripeObjects.Write(json => StripeObjects.Price(json, made));
            case "GET /v1/prices":
                return ListPrices(Read());
            case "GET /v1/prices/{id}":
                StripeFakePrice found = State.Prices.Find(price => price.Id == id) ?? throw StripeError.Missing("price", id, 404, "price");
                return StripeObjects.Write(json => StripeObjects.Price(json, found));
            case "POST /v1/prices/{id}":
                StripeFakePrice changed = State.UpdatePrice(id, Read());
                return StripeObjects.Write(json => StripeObjects.Price(json, changed));
            case "POST /v1/payment_links":
                StripeFakeLink link = State.CreateLink(Read(), request.Headers.GetValueOrDefault("Stripe-Version"));
                return StripeObjects.Write(json => StripeObjects.Link(json, link));
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
            default:
                throw new StripeError(404, $"Unrecognized request URL ({request.Method}: {request.Path}).") { IsValidation = true };
        }

        StripeParameters Read() => StripeParameters.Read(route, given);
    }

    private byte[] ProductJson(string id) =>
        StripeObjects.Write(json => StripeObjects.Product(json, id, State.Products[id].Name, State.Products[id].Description));

    private static byte[] LinkJson(StripeFakeLink link) => StripeObjects.Write(json => StripeObjects.Link(json, link));

    private static byte[] SessionJson(StripeFakeSession session) => StripeObjects.Write(json => StripeObjects.Session(json, session));

    private byte[] ListProducts(StripeParameters parameters)
    {
        (IReadOnlyList<string> page, bool hasMore) = parameters.Page(State.Products.Keys.Reverse(), id => id);
        return StripeObjects.List("/v1/products", page, hasMore, (json, id) => StripeObjects.Product(json, id, State.Products[id].Name, State.Products[id].Description));
    }

    private byte[] ListPrices(StripeParameters parameters)
    {
        IReadOnlyList<string> keys = parameters.Texts("lookup_keys[]");
        if (keys.Count > 10)
        {
            throw StripeError.Invalid("Array lookup_keys exceeded maximum 10 allowed elements.", "lookup_keys");
        }

        IEnumerable<StripeFakePrice> prices = Newest(State.Prices)
            .Where(price => keys.Count == 0 || (price.LookupKey is { } key && keys.Contains(key)))
            .Where(price => parameters.Text("product") is not { } product || price.ProductId == product)
            .Where(price => parameters.Flag("active") is not { } active || price.IsActive == active);
        (IReadOnlyList<StripeFakePrice> page, bool hasMore) = parameters.Page(prices, price => price.Id);
        return StripeObjects.List("/v1/prices", page, hasMore, StripeObjects.Price);
    }

    private byte[] ListLinks(StripeParameters parameters)
    {
        bool? active = parameters.Flag("active");
        (IReadOnlyList<StripeFakeLink> page, bool hasMore) = parameters.Page(
            Newest(State.Links).Where(link => active is null || link.IsActive == active), link => link.Id);
        return StripeObjects.List("/v1/payment_links", page, hasMore, StripeObjects.Link);
    }

    private byte[] ListLines(string id, StripeParameters parameters)
    {
        StripeFakeLink link = State.Links[State.LinkIndex(id, 404)];
        (IReadOnlyList<StripeFakeLine> page, bool hasMore) = parameters.Page(link.Lines, line => line.PriceId);
        return StripeObjects.List($"/v1/payment_links/{id}/line_items", page, hasMore, (json, line) =>
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

    private byte[] ListSessions(StripeParameters parameters)
    {
        string? link = parameters.Text("payment_link");
        string? status = parameters.Text("status");
        (IReadOnlyList<StripeFakeSession> page, bool hasMore) = parameters.Page(
            Newest(State.Sessions).Where(session => (link is null || session.LinkId == link) && (status is null || session.Status == status)), session => session.Id);
        return StripeObjects.List("/v1/checkout/sessions", page, hasMore, StripeObjects.Session);
    }

    private static IEnumerable<T> Newest<T>(List<T> items)
    {
        for (int i = items.Count - 1; i >= 0; i--)
        {
            yield return items[i];
        }
    }
}
