using System.Globalization;

namespace Coach.Payments.Stripe;

/// <summary><see cref="PaymentLinkOptions"/> as Stripe's form has them
/// (https://docs.stripe.com/api/payment-link/create, 2026-11).</summary>
internal static class StripeLinkForm
{
    public static void Add(StripeForm form, PaymentLinkOptions? options, bool hasRedirect)
    {
        if (options is null)
        {
            return;
        }

        AddFlag(form, "allow_promotion_codes", options.AllowPromotionCodes);
        AddFlag(form, "automatic_tax[enabled]", options.AutomaticTax);
        AddFlag(form, "tax_id_collection[enabled]", options.CollectTaxId);
        AddFlag(form, "phone_number_collection[enabled]", options.CollectPhoneNumber);
        AddText(form, "billing_address_collection", options.RequireBillingAddress ? "required" : null);
        AddText(form, "customer_creation", options.AlwaysCreateCustomer ? "always" : null);
        AddText(form, "submit_type", options.SubmitType);
        AddText(form, "inactive_message", options.InactiveMessage);
        AddText(form, "payment_intent_data[statement_descriptor_suffix]", options.StatementDescriptorSuffix);
        if (options.ConfirmationMessage is { } message && !hasRedirect)
        {
            form.Add("after_completion[type]", "hosted_confirmation")
                .Add("after_completion[hosted_confirmation][custom_message]", message);
        }

        AddAll(form, "shipping_address_collection[allowed_countries]", "", options.ShippingCountries);
        AddAll(form, "shipping_options", "[shipping_rate]", options.ShippingRates);
        AddAll(form, "payment_method_types", "", options.PaymentMethodTypes);
        for (int i = 0; i < options.CustomFields.Count; i++)
        {
            PaymentCustomField field = options.CustomFields[i];
            string name = string.Create(CultureInfo.InvariantCulture, $"custom_fields[{i}]");
            form.Add($"{name}[key]", field.Key)
                .Add($"{name}[label][type]", "custom")
                .Add($"{name}[label][custom]", field.Label)
                .Add($"{name}[type]", field.IsNumeric ? "numeric" : "text");
            AddFlag(form, $"{name}[optional]", field.IsOptional);
        }

        foreach ((string name, string value) in options.Extra.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            form.Add(name, value);
        }
    }

    private static void AddFlag(StripeForm form, string name, bool isSet)
    {
        if (isSet)
        {
            form.Add(name, true);
        }
    }

    private static void AddText(StripeForm form, string name, string? value)
    {
        if (value is not null)
        {
            form.Add(name, value);
        }
    }

    private static void AddAll(StripeForm form, string name, string suffix, IReadOnlyList<string> values)
    {
        for (int i = 0; i < values.Count; i++)
        {
            form.Add(string.Create(CultureInfo.InvariantCulture, $"{name}[{i}]{suffix}"), values[i]);
        }
    }
}
