using System.Collections.Frozen;
using System.Globalization;

namespace Coach.Testing.Stripe;

/// <summary>One request's parameters: refuses unknown names, reads known ones.</summary>
internal sealed class FakeStripeForm
{
    private static readonly string[] Paging = ["limit", "starting_after", "ending_before", "expand[]"];

    // An allow list, as the real API has one: a misspelt parameter is an error there, so it is one here.
    private static readonly FrozenDictionary<string, string[]> Known =
        new Dictionary<string, string[]>(StringComparer.Ordinal)
        {
            ["GET /v1/balance"] = ["expand[]"],
            ["GET /v1/account"] = ["expand[]"],
            ["POST /v1/products"] =
        [
            "name", "description", "id", "active", "metadata[*]", "tax_code", "unit_label", "statement_descriptor",
            "expand[]",
        ],
            ["GET /v1/products"] = [.. Paging, "active", "ids[]"],
            ["GET /v1/products/{id}"] = ["expand[]"],
            ["POST /v1/prices"] =
        [
            "currency", "unit_amount", "unit_amount_decimal", "product", "product_data[name]", "product_data[id]",
            "product_data[active]", "product_data[metadata][*]", "product_data[statement_descriptor]",
            "product_data[tax_code]", "product_data[unit_label]", "lookup_key", "transfer_lookup_key", "metadata[*]",
            "nickname", "active", "tax_behavior", "expand[]",
        ],
            ["GET /v1/prices"] = [.. Paging, "active", "currency", "product", "type", "lookup_keys[]"],
            ["GET /v1/prices/{id}"] = ["expand[]"],
            ["POST /v1/prices/{id}"] =
        [
            "active", "metadata[*]", "nickname", "lookup_key", "transfer_lookup_key", "expand[]",
        ],
            ["POST /v1/payment_links"] =
        [
            "line_items[][price]", "line_items[][quantity]", "line_items[][price_data][currency]",
            "line_items[][price_data][unit_amount]", "line_items[][price_data][unit_amount_decimal]",
            "line_items[][price_data][product]", "line_items[][price_data][product_data][name]",
            "line_items[][price_data][product_data][description]",
            "line_items[][price_data][product_data][metadata][*]", "line_items[][price_data][product_data][tax_code]",
            "line_items[][price_data][product_data][unit_label]", "line_items[][price_data][tax_behavior]",
            "metadata[*]", "payment_intent_data[metadata][*]", "payment_intent_data[description]",
            "payment_intent_data[statement_descriptor]", "payment_intent_data[capture_method]",
            "restrictions[completed_sessions][limit]", "after_completion[type]", "after_completion[redirect][url]",
            "after_completion[hosted_confirmation][custom_message]", "inactive_message", "payment_method_types[]",
            "allow_promotion_codes", "automatic_tax[enabled]", "customer_creation", "billing_address_collection",
            "submit_type", "currency", "expand[]", "line_items[][adjustable_quantity][enabled]",
            "line_items[][adjustable_quantity][minimum]", "line_items[][adjustable_quantity][maximum]",
            "tax_id_collection[enabled]", "phone_number_collection[enabled]",
            "payment_intent_data[statement_descriptor_suffix]", "shipping_address_collection[allowed_countries][]",
            "shipping_options[][shipping_rate]", "custom_fields[][key]", "custom_fields[][label][type]",
            "custom_fields[][label][custom]", "custom_fields[][type]", "custom_fields[][optional]",
            "consent_collection[terms_of_service]", "consent_collection[promotions]", "invoice_creation[enabled]",
        ],
            ["POST /v1/refunds"] =
        [
            "payment_intent", "charge", "amount", "reason", "metadata[*]", "expand[]",
        ],
            ["GET /v1/refunds"] = [.. Paging, "payment_intent", "charge"],
            ["GET /v1/refunds/{id}"] = ["expand[]"],
            ["GET /v1/payment_links"] = [.. Paging, "active"],
            ["GET /v1/payment_links/{id}"] = ["expand[]"],
            ["POST /v1/payment_links/{id}"] =
        [
            "active", "metadata[*]", "inactive_message", "restrictions[completed_sessions][limit]", "expand[]",
        ],
            ["GET /v1/payment_links/{id}/line_items"] = Paging,
            ["GET /v1/checkout/sessions"] = [.. Paging, "payment_link", "status", "payment_intent", "customer"],
            ["GET /v1/checkout/sessions/{id}"] = ["expand[]"],
            ["POST /v1/checkout/sessions/{id}/expire"] = ["expand[]"],
        }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly IReadOnlyList<KeyValuePair<string, string>> _all;

    private FakeStripeForm(IReadOnlyList<KeyValuePair<string, string>> all) => _all = all;

    public static FakeStripeForm Read(string route, IReadOnlyList<KeyValuePair<string, string>> all)
    {
        string[] known = Known[route];
        foreach ((string name, _) in all)
        {
            if (!known.Contains(UrlEncodedForm.Pattern(name), StringComparer.Ordinal))
            {
                throw FakeStripeError.Invalid($"Received unknown parameter: {name}", name, "parameter_unknown");
            }
        }

        return new FakeStripeForm(all);
    }

    /// <summary>What was given beside lines and metadata.</summary>
    public IReadOnlyDictionary<string, string> Others => _all
        .Where(pair => !pair.Key.StartsWith("line_items[", StringComparison.Ordinal)
            && !pair.Key.Contains("metadata[", StringComparison.Ordinal)
            && !pair.Key.Contains("[metadata]", StringComparison.Ordinal))
        .GroupBy(static pair => pair.Key, StringComparer.Ordinal)
        .ToDictionary(static group => group.Key, static group => group.Last().Value, StringComparer.Ordinal);

    public string? Text(string name) => _all.LastOrDefault(pair => pair.Key == name).Value;

    public string Required(string name) => Text(name) is { Length: > 0 } value ? value
        : throw FakeStripeError.Invalid($"Missing required param: {name}.", name, "parameter_missing");

    public IReadOnlyList<string> Texts(string name) =>
        [.. _all.Where(pair => UrlEncodedForm.Pattern(pair.Key) == name).Select(pair => pair.Value)];

    public long? Integer(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw FakeStripeError.Invalid($"Invalid integer: {text}", name, "parameter_invalid_integer");
    }

    public bool? Flag(string name) => Text(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        _ => throw FakeStripeError.Invalid($"Invalid boolean: {Text(name)}", name),
    };

    public Dictionary<string, string> Map(string name)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        string prefix = name + "[";
        foreach (
            (string key, string value) in _all.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            string entry = key[(name.Length + 1)..^1];
            if (LengthOf(entry) > 40)
            {
                throw FakeStripeError.Invalid("Metadata keys can have up to 40 characters.", name);
            }

            if (LengthOf(value) > 500)
            {
                throw FakeStripeError.Invalid("Metadata values can have up to 500 characters.", name);
            }

            map[entry] = value;
        }

        return map.Count <= 50 ? map : throw FakeStripeError.Invalid("You can have up to 50 keys.", name);
    }

    // Characters, not UTF-16 units.
    private static int LengthOf(string text) => text.EnumerateRunes().Count();

    /// <summary>The indices of <c>name[i]…</c>, in order.</summary>
    public IReadOnlyList<int> Indices(string name) =>
    [
        .. _all.Where(pair => pair.Key.StartsWith(name + "[", StringComparison.Ordinal))
            .Select(
                pair => int.TryParse(
                    pair.Key.AsSpan(name.Length + 1, pair.Key.IndexOf(']', StringComparison.Ordinal) - name.Length - 1),
                    out int index)
                    ? index
                    : -1)
            .Distinct().Order(),
    ];

    /// <summary>One page of a list, newest first.</summary>
    public (IReadOnlyList<T> Page, bool HasMore) Page<T>(IEnumerable<T> newestFirst, Func<T, string> idOf)
    {
        long limit = Integer("limit") ?? 10;
        if (limit is < 1 or > 100)
        {
            throw FakeStripeError.Invalid("This value must be between 1 and 100.", "limit");
        }

        IEnumerable<T> rest = newestFirst;
        if (Text("starting_after") is { } after)
        {
            T[] all = [.. newestFirst];
            int index = Array.FindIndex(all, item => idOf(item) == after);
            rest = index >= 0
                ? all.Skip(index + 1)
                : throw FakeStripeError.Missing("object", after, 400, "starting_after");
        }

        T[] page = [.. rest.Take((int)limit + 1)];
        return page.Length > limit ? (page[..(int)limit], true) : (page, false);
    }
}

/// <summary>Form encoding with bracket names, as Stripe reads it.</summary>
internal static class UrlEncodedForm
{
    public static IReadOnlyList<KeyValuePair<string, string>> Parse(string text)
    {
        var parameters = new List<KeyValuePair<string, string>>();
        foreach (string pair in text.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            parameters.Add(equals < 0
                ? new KeyValuePair<string, string>(Decode(pair), "")
                : new KeyValuePair<string, string>(Decode(pair[..equals]), Decode(pair[(equals + 1)..])));
        }

        return parameters;
    }

    /// <summary><c>line_items[0][price_data][currency]</c> becomes <c>line_items[][price_data][currency]</c>; a
    /// metadata name becomes <c>metadata[*]</c>.</summary>
    public static string Pattern(string name)
    {
        string[] parts = name.Split('[');
        for (int i = 1; i < parts.Length; i++)
        {
            string part = parts[i].TrimEnd(']');
            parts[i] = part switch
            {
                _ when parts[i - 1] is "metadata" or "metadata]" => "*]",
                _ when part.All(char.IsAsciiDigit) => "]",
                _ => parts[i],
            };
        }

        return string.Join('[', parts);
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
