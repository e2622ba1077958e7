using System.Globalization;
using Coach.Payments;

namespace Coach.Testing.Stripe;

/// <summary>The objects of the fake. Its owner locks.</summary>
internal sealed class FakeStripeStore(TimeProvider time, bool isLive, string? account, Func<int> next)
{
    private const int FirstInlinePriceVersion = 20250730;

    // Lists in order of creation: Stripe pages newest first, and a test reads oldest first.
    public List<StripeFakePrice> Prices { get; } = [];

    public Dictionary<string, (string Name, string? Description)> Products { get; } = new(StringComparer.Ordinal);

    public List<StripeFakeLink> Links { get; } = [];

    public List<StripeFakeSession> Sessions { get; } = [];

    public List<StripeFakeRefund> Refunds { get; } = [];

    public bool IsLive => isLive;

    public string? Account => account;

    public void Clear()
    {
        Prices.Clear();
        Products.Clear();
        Links.Clear();
        Sessions.Clear();
        Refunds.Clear();
    }

    public string NewId(string prefix) => string.Create(CultureInfo.InvariantCulture, $"{prefix}_1Fake{next():D8}");

    public string CreateProduct(FakeStripeForm parameters)
    {
        string name = parameters.Required("name");
        string id = parameters.Text("id") ?? NewId("prod");
        if (!Products.TryAdd(id, (name, parameters.Text("description"))))
        {
            throw new FakeStripeError(400, $"Product already exists.", "id", "resource_already_exists");
        }

        return id;
    }

    public StripeFakePrice CreatePrice(FakeStripeForm parameters)
    {
        string currency = parameters.Required("currency");
        long amount = parameters.Integer("unit_amount")
            ?? throw FakeStripeError.Invalid(
                "Missing required param: unit_amount.", "unit_amount", "parameter_missing");
        CheckAmount(amount, currency, "unit_amount");
        string? lookupKey = parameters.Text("lookup_key");
        if (lookupKey?.Length > 200)
        {
            throw FakeStripeError.Invalid("Invalid string: must be at most 200 characters", "lookup_key");
        }

        string? product = parameters.Text("product");
        if (product is null && parameters.Text("product_data[name]") is null)
        {
            throw FakeStripeError.Invalid(
                "You must provide one of `product` or `product_data`.", "product", "parameter_missing");
        }

        Dictionary<string, string> metadata = parameters.Map("metadata");
        if (product is not null && !Products.ContainsKey(product))
        {
            throw FakeStripeError.Missing("product", product, 400, "product");
        }

        if (lookupKey is not null
            && Prices.FindIndex(price => price.IsActive && price.LookupKey == lookupKey) is >= 0 and var taken)
        {
            if (parameters.Flag("transfer_lookup_key") != true)
            {
                throw new FakeStripeError(400, $"A price (`{Prices[taken].Id}`) already uses that lookup "
                    + "key.", "lookup_key");
            }

            Prices[taken] = Prices[taken] with { LookupKey = null };
        }

        product ??= AddProduct(parameters.Text("product_data[name]")!, parameters.Text("product_data[id]"));
        return AddPrice(product, amount, currency, lookupKey, metadata);
    }

    public StripeFakePrice UpdatePrice(string id, FakeStripeForm parameters)
    {
        int index = Prices.FindIndex(price => price.Id == id);
        if (index < 0)
        {
            throw FakeStripeError.Missing("price", id, 404, "price");
        }

        StripeFakePrice price = Prices[index];
        Prices[index] = price with
        {
            IsActive = parameters.Flag("active") ?? price.IsActive,
            Metadata = Merge(
            price.Metadata, parameters.Map("metadata"))
        };
        return Prices[index];
    }

    public StripeFakeLink CreateLink(FakeStripeForm parameters, string? version)
    {
        IReadOnlyList<int> indices = parameters.Indices("line_items");
        if (indices.Count is 0 or > 20)
        {
            throw FakeStripeError.Invalid("Missing required param: line_items.", "line_items", "parameter_missing");
        }

        long? limit = parameters.Integer("restrictions[completed_sessions][limit]");
        if (limit is < 1)
        {
            throw FakeStripeError.Invalid(
                "This value must be greater than or equal to 1.", "restrictions[completed_sessions][limit]");
        }

        if (parameters.Text("after_completion[type]") == "redirect"
            && parameters.Text("after_completion[redirect][url]") is null)
        {
            throw FakeStripeError.Invalid(
                "Missing required param: after_completion[redirect][url].", "after_completion[redirect][url]",
                "parameter_missing");
        }

        Dictionary<string, string> metadata = parameters.Map("metadata");
        var lines = new List<StripeFakeLine>();
        foreach (int index in indices)
        {
            lines.Add(
                ReadLine(parameters, string.Create(CultureInfo.InvariantCulture, $"line_items[{index}]"), version));
        }

        StripeFakePrice[] prices = [.. lines.Select(line => Prices.First(price => price.Id == line.PriceId))];
        string currency = prices[0].Currency;
        if (prices.Any(price => price.Currency != currency))
        {
            throw new FakeStripeError(400, "All prices on a payment link must have the same currency.", "line_items");
        }

        long total = lines.Zip(prices, (line, price) => line.Quantity * price.UnitAmount).Sum();
        if (Money.TryCreate(total, currency, out Money money) && money.SmallestUsualCharge is { } least
            && money < least)
        {
            throw new FakeStripeError(
                400, $"The total amount due must add up to at least {least}", null, "amount_too_small");
        }

        string id = NewId("plink");
        var link = new StripeFakeLink
        {
            Id = id,
            Url = $"https://buy.stripe.com/{(isLive ? "" : "test_")}{id["plink_".Length..]}",
            IsLive = isLive,
            Account = account,
            PaymentMetadata = parameters.Map("payment_intent_data[metadata]"),
            Parameters = parameters.Others,
            IsActive = true,
            Currency = currency,
            AmountTotal = total,
            Lines = lines,
            Metadata = metadata,
            CompletedLimit = (int?)limit,
            CompletedCount = 0,
            RedirectUrl = parameters.Text("after_completion[redirect][url]"),
        };
        Links.Add(link);
        return link;
    }

    public StripeFakeLink UpdateLink(string id, FakeStripeForm parameters)
    {
        int index = LinkIndex(id, 404);
        StripeFakeLink link = Links[index];
        Links[index] = link with
        {
            IsActive = parameters.Flag("active") ?? link.IsActive,
            Metadata = Merge(
            link.Metadata, parameters.Map("metadata"))
        };
        return Links[index];
    }

    public int LinkIndex(string id, int status)
    {
        int index = Links.FindIndex(link => link.Id == id);
        return index >= 0 ? index : throw FakeStripeError.Missing("payment_link", id, status, "payment_link");
    }

    public int SessionIndex(string id)
    {
        int index = Sessions.FindIndex(session => session.Id == id);
        return index >= 0 ? index : throw FakeStripeError.Missing("checkout.session", id, 404, "session");
    }

    public StripeFakeRefund CreateRefund(FakeStripeForm parameters)
    {
        string? charge = parameters.Text("charge");
        string? payment = parameters.Text("payment_intent");
        int index = Sessions.FindIndex(session => session.PaymentStatus == "paid"
            && ((payment is not null && session.PaymentIntentId == payment)
                || (charge is not null && session.ChargeId == charge)));
        if (index < 0)
        {
            throw FakeStripeError.Missing(
                charge is null ? "payment_intent" : "charge", charge ?? payment ?? "", 404, "payment_intent");
        }

        StripeFakeSession session = Sessions[index];
        long left = session.AmountTotal - session.AmountRefunded;
        long amount = parameters.Integer("amount") ?? left;
        if (left == 0)
        {
            throw new FakeStripeError(
                400, $"Charge {session.ChargeId} has already been refunded.", null, "charge_already_refunded");
        }

        if (amount < 1 || amount > left)
        {
            throw new FakeStripeError(
                400, $"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount");
        }

        Sessions[index] = session with { AmountRefunded = session.AmountRefunded + amount };
        var refund = new StripeFakeRefund
        {
            Id = NewId("re"),
            PaymentIntentId = session.PaymentIntentId!,
            ChargeId = session.ChargeId!,
            Amount = amount,
            Currency = session.Currency,
            Status = "succeeded",
            Metadata = parameters.Map("metadata"),
            CreatedAt = time.GetUtcNow(),
        };
        Refunds.Add(refund);
        return refund;
    }

    public StripeFakeSession ExpireSession(string id)
    {
        int index = SessionIndex(id);
        if (Sessions[index].Status != "open")
        {
            throw new FakeStripeError(400, "This Checkout Session is not in a state to be expired: its status "
                + $"is {Sessions[index].Status}, and it must be open.");
        }

        return Sessions[index] = Sessions[index] with { Status = "expired" };
    }

    private StripeFakeLine ReadLine(FakeStripeForm parameters, string name, string? version)
    {
        long quantity = parameters.Integer($"{name}[quantity]")
            ?? throw FakeStripeError.Invalid(
                $"Missing required param: {name}[quantity].", $"{name}[quantity]", "parameter_missing");
        if (quantity < 1)
        {
            throw FakeStripeError.Invalid("This value must be greater than or equal to 1.", $"{name}[quantity]");
        }

        if (parameters.Text($"{name}[price]") is { } id)
        {
            return Prices.Exists(price => price.Id == id && price.IsActive) ? new StripeFakeLine(id, quantity)
                : throw FakeStripeError.Missing("price", id, 400, $"{name}[price]");
        }

        // Inline prices exist since 2025-07-30.basil.
        if (version is not null
            && int.TryParse(
                version.AsSpan(0, Math.Min(10, version.Length)).ToString().Replace("-", "", StringComparison.Ordinal),
                out int number)
            && number < FirstInlinePriceVersion)
        {
            throw FakeStripeError.Invalid(
                $"Received unknown parameter: {name}[price_data]", $"{name}[price_data]", "parameter_unknown");
        }

        string currency = parameters.Required($"{name}[price_data][currency]");
        long amount = parameters.Integer($"{name}[price_data][unit_amount]") ?? 0;
        CheckAmount(amount, currency, $"{name}[price_data][unit_amount]");
        string product = parameters.Text($"{name}[price_data][product]")
            ?? AddProduct(parameters.Required($"{name}[price_data][product_data][name]"), null);
        return new StripeFakeLine(AddPrice(product, amount, currency, null, []).Id, quantity);
    }

    private string AddProduct(string name, string? id)
    {
        id ??= NewId("prod");
        Products[id] = (name, null);
        return id;
    }

    private StripeFakePrice AddPrice(
        string product, long amount, string currency, string? lookupKey, Dictionary<string, string> metadata)
    {
        var price = new StripeFakePrice
        {
            Id = NewId("price"),
            ProductId = product,
            ProductName = Products[product].Name,
            UnitAmount = amount,
            Currency = currency.ToLowerInvariant(),
            LookupKey = lookupKey,
            IsActive = true,
            Metadata = metadata,
            CreatedAt = time.GetUtcNow(),
        };
        Prices.Add(price);
        return price;
    }

    // In Stripe's order: too large, negative, unknown currency, not a multiple of the smallest coin.
    private static void CheckAmount(long amount, string currency, string parameter)
    {
        if (amount > Money.MaxMinorUnits)
        {
            throw FakeStripeError.Invalid("Amount must be no more than 999,999.99", parameter, "amount_too_large");
        }

        if (amount < 0)
        {
            throw FakeStripeError.Invalid("Invalid non-negative integer", parameter, "parameter_invalid_integer");
        }

        if (!Money.TryCreate(0, currency, out _))
        {
            throw FakeStripeError.Invalid($"Invalid currency: {currency}.", "currency");
        }

        if (!Money.TryCreate(amount, currency, out _))
        {
            throw FakeStripeError.Invalid(
                "Amount must be divisible by 100 or 10 in this currency.", parameter,
                "invalid_charge_amount_no_decimal_compatible");
        }
    }

    private static Dictionary<string, string> Merge(
        IReadOnlyDictionary<string, string> old, Dictionary<string, string> changes)
    {
        var merged = new Dictionary<string, string>(old, StringComparer.Ordinal);
        foreach ((string key, string value) in changes)
        {
            if (value.Length == 0)
            {
                merged.Remove(key);
            }
            else
            {
                merged[key] = value;
            }
        }

        return merged;
    }
}
