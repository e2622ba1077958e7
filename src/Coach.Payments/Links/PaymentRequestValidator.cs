using Coach.Payments.Gateways;

namespace Coach.Payments.Links;

/// <summary>Refuses a wrong request before anything is sent or recorded.</summary>
internal static class PaymentRequestValidator
{
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

        return request.Items.Count == 0 && request.Metadata.Count == 0
            ? null
            : ItemsProblem(request) ?? MetadataProblem(request.Metadata);
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

            total += item.UnitPrice.MinorUnits * item.Quantity;
        }

        return request.Items.Count > 0 && total != request.Amount.MinorUnits
            ? $"The items add up to {total} minor units, but the amount is {request.Amount.MinorUnits}. Make "
                + "them equal."
            : null;
    }

    private static string? MetadataProblem(IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.Count > 40)
        {
            return "There may be at most 40 metadata entries.";
        }

        foreach ((string key, string value) in metadata)
        {
            if (key.Length is 0 or > 40 || key.AsSpan().ContainsAny('[', ']')
                || key.StartsWith(PaymentMetadata.Prefix, StringComparison.OrdinalIgnoreCase))
            {
                return "A metadata name has 1 to 40 characters, no brackets, and does not begin with 'coach_'.";
            }

            if (value is not { Length: <= 500 })
            {
                return "A metadata value has at most 500 characters.";
            }
        }

        return null;
    }

    private static bool IsWebAddress(Uri url) => url.IsAbsoluteUri
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp)
        && url.OriginalString.Length <= 2000;

    private static bool IsText(string? text, int longest)
    {
        if (text is not { Length: > 0 } || text.Length > longest || string.IsNullOrWhiteSpace(text))
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
