using Coach.Payments.Gateways;

namespace Coach.Payments.Links;

/// <summary>Refuses a wrong request before anything is sent or recorded.</summary>
internal static class PaymentRequestValidator
{
    private static readonly System.Buffers.SearchValues<char> NotInStatements =
        System.Buffers.SearchValues.Create("<>\\'\"*");

    // Stripe's 50 less the tag and the operation key.
    private const int MostMetadata = 48;

    public static void Check(PaymentLinkRequest request)
    {
        if (Problem(request) is { } problem)
        {
            throw PaymentException.Invalid(problem);
        }
    }

    private static string? Problem(PaymentLinkRequest request)
    {
        if (request.OperationKey is not { Length: >= 1 and <= 200 } key
            || key.AsSpan().ContainsAnyExceptInRange(' ', '~') || key.AsSpan().Trim().Length != key.Length)
        {
            return "The operation key must have 1 to 200 printable ASCII characters and no space at either end. "
                + "Name the payment, such as 'order-1042:1'.";
        }

        if (request.Amount.IsEmpty || request.Amount.IsZero)
        {
            return "The amount must be more than 0. Make it with Money.Create.";
        }

        if (!IsText(request.Description, 250))
        {
            return "The description must have 1 to 250 characters and no control characters.";
        }

        if (request.Owner is { } owner && (owner.Length is 0 or > 200))
        {
            return "The owner must have 1 to 200 characters, or be null.";
        }

        if (request.RedirectUrl is { } url && !IsWebAddress(url))
        {
            return "The redirect address must be an absolute http or https address of at most 2,000 characters.";
        }

        if (request.Reference is { } reference && !IsText(reference, 200))
        {
            return "The reference must have 1 to 200 characters and no control characters, or be null.";
        }

        return request.Items.Count == 0 && request.Metadata.Count == 0 && request.Options is null
            ? null
            : ItemsProblem(request) ?? MetadataProblem(request.Metadata) ?? OptionsProblem(request);
    }

    private static string? ItemsProblem(PaymentLinkRequest request)
    {
        if (request.Items.Count > 20)
        {
            return "A link has at most 20 items. Sum some of them up.";
        }

        long total = 0;
        foreach (PaymentLineItem item in request.Items)
        {
            if (item is null || !IsText(item.Description, 250) || item.Quantity is < 1 or > 10_000)
            {
                return "Each item needs a description of 1 to 250 characters and a quantity of 1 to 10,000.";
            }

            if (item.UnitPrice.IsEmpty || item.UnitPrice.IsZero || item.UnitPrice.Currency != request.Amount.Currency)
            {
                return "Each item's price must be more than 0 and in the currency of the amount.";
            }

            if ((item.PriceId is not null && !IsId(item.PriceId, "price_"))
                || (item.ProductId is not null && !IsId(item.ProductId, ""))
                || (item.TaxCode is not null && !IsId(item.TaxCode, "txcd_")))
            {
                return "An item's price, product or tax code must be the provider's id, such as 'price_1Abc'.";
            }

            if (item.MinQuantity < 0 || item.MinQuantity > item.Quantity
                || item.MaxQuantity < item.Quantity || item.MaxQuantity > 999_999)
            {
                return "The payer's least quantity must be between 0 and the quantity, the most between the quantity "
                    + "and 999,999.";
            }

            total += item.UnitPrice.MinorUnits * item.Quantity;
        }

        return request.Items.Count > 0 && total != request.Amount.MinorUnits
            ? $"The items add up to {total} minor units, but the amount is {request.Amount.MinorUnits}. Make "
                + "them equal."
            : null;
    }

    private static string? MetadataProblem(IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.Count > MostMetadata)
        {
            return $"There may be at most {MostMetadata} metadata entries: the provider's 50 less Coach's own two.";
        }

        foreach ((string key, string value) in metadata)
        {
            if (key.Length == 0 || LengthOf(key) > 40 || key.AsSpan().ContainsAny('[', ']')
                || key.StartsWith(PaymentMetadata.Prefix, StringComparison.OrdinalIgnoreCase))
            {
                return "A metadata name has 1 to 40 characters, no brackets, and does not begin with 'coach_'.";
            }

            if (value is null || LengthOf(value) > 500)
            {
                return "A metadata value has at most 500 characters.";
            }
        }

        return null;
    }

    private static string? OptionsProblem(PaymentLinkRequest request)
    {
        if (request.Options is not { } options)
        {
            return null;
        }

        if (options.SubmitType is not (null or "auto" or "book" or "donate" or "pay"))
        {
            return "The submit type must be 'auto', 'book', 'donate' or 'pay'.";
        }

        if (options.ShippingCountries.Count > 250
            || options.ShippingCountries.Any(static code =>
                code is not { Length: 2 } || !code.All(char.IsAsciiLetterUpper)))
        {
            return "Shipping countries must be two-letter codes in upper case, such as 'DE', at most 250.";
        }

        if (options.ShippingRates.Count > 5 || options.ShippingRates.Any(static id => !IsId(id, "shr_")))
        {
            return "Shipping rates must be the provider's ids, such as 'shr_1Abc', at most 5.";
        }

        if (options.ShippingRates.Count > 0 && options.ShippingCountries.Count == 0)
        {
            return "Shipping rates need shipping countries.";
        }

        if (options.PaymentMethodTypes.Count > 30
            || options.PaymentMethodTypes.Any(static type => type is not { Length: > 0 and <= 40 }
                || !type.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')))
        {
            return "Payment method types must be the provider's names, such as 'card', at most 30.";
        }

        bool areFields = options.CustomFields.Count <= 3
            && options.CustomFields.Select(static field => field.Key).Distinct(StringComparer.Ordinal).Count()
                == options.CustomFields.Count
            && options.CustomFields.All(static field => field.Key is { Length: > 0 and <= 200 }
                && field.Key.All(char.IsAsciiLetterOrDigit) && IsText(field.Label, 50));
        if (!areFields)
        {
            return "There may be at most 3 custom fields, each with a key of its own of 1 to 200 letters and digits and "
                + "a label of 1 to 50 characters.";
        }

        if (options.StatementDescriptorSuffix is { } suffix && (!IsText(suffix, 22)
            || suffix.AsSpan().ContainsAny(NotInStatements) || !suffix.Any(char.IsAsciiLetter)))
        {
            return "The statement descriptor's suffix must have 1 to 22 characters, a letter, and none of < > \\ ' \" *.";
        }

        if (options.InactiveMessage is { } inactive && !IsText(inactive, 500))
        {
            return "The message of a closed link must have 1 to 500 characters.";
        }

        if (options.ConfirmationMessage is { } message && !IsText(message, 500))
        {
            return "The message after a payment must have 1 to 500 characters.";
        }

        if (options.ConfirmationMessage is not null && request.RedirectUrl is not null)
        {
            return "A link shows a message after the payment or goes to an address, not both.";
        }

        return ExtraProblem(options.Extra);
    }

    private static string? ExtraProblem(IReadOnlyDictionary<string, string> extra)
    {
        if (extra.Count > 50)
        {
            return "There may be at most 50 extra parameters.";
        }

        foreach ((string name, string value) in extra)
        {
            bool isName = name is { Length: > 0 and <= 200 } && char.IsAsciiLetterLower(name[0])
                && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '[' or ']');
            if (!isName || value is not { Length: <= 5000 })
            {
                return "An extra parameter's name has 1 to 200 letters, digits, '_' and brackets, its value at most "
                    + "5,000 characters.";
            }

            int bracket = name.IndexOf('[', StringComparison.Ordinal);
            string root = bracket < 0 ? name : name[..bracket];
            if (OwnParameters.Contains(root)
                || name.StartsWith("payment_intent_data[metadata]", StringComparison.Ordinal)
                || name.StartsWith("payment_intent_data[capture_method]", StringComparison.Ordinal))
            {
                return $"The parameter '{root}' is set by Coach; use the request's own properties.";
            }
        }

        return null;
    }

    // What promises rest on (once, this amount, found again), and what has a property.
    private static readonly System.Collections.Frozen.FrozenSet<string> OwnParameters =
        System.Collections.Frozen.FrozenSet.ToFrozenSet(
        [
            "line_items", "metadata", "restrictions", "after_completion", "currency", "expand", "subscription_data",
            "allow_promotion_codes", "automatic_tax", "tax_id_collection", "phone_number_collection",
            "billing_address_collection", "customer_creation", "submit_type", "inactive_message",
            "shipping_address_collection", "shipping_options", "payment_method_types", "custom_fields",
            "application_fee_amount", "application_fee_percent", "transfer_data", "on_behalf_of", "optional_items",
        ], StringComparer.Ordinal);

    // Stripe counts characters as Unicode does: an emoji outside the first plane is one, not two.
    private static int LengthOf(string text)
    {
        int length = text.Length;
        foreach (char c in text)
        {
            length -= char.IsHighSurrogate(c) ? 1 : 0;
        }

        return length;
    }

    private static bool IsId(string? text, string prefix) => text is { Length: > 0 and <= 100 }
        && text.StartsWith(prefix, StringComparison.Ordinal)
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    private static bool IsWebAddress(Uri url) => url.IsAbsoluteUri
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp)
        && url.OriginalString.Length <= 2000;

    private static bool IsText(string? text, int longest)
    {
        if (text is not { Length: > 0 } || LengthOf(text) > longest || string.IsNullOrWhiteSpace(text))
        {
            return false;
        }

        foreach (char c in text)
        {
            if (char.IsControl(c))
            {
                return false;
            }
        }

        return true;
    }
}
