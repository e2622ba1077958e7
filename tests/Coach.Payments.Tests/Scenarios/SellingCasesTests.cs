using System.Globalization;
using Coach.Testing;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>What people sell with: options, amounts, metadata, and records that somebody else's file is not.</summary>
public sealed class SellingCasesTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1,500,000.00 IDR", 150_000_000L)]
    [InlineData("9,999,999,999.99 IDR", 999_999_999_999L)]
    [InlineData("1,500,000 JPY", 1_500_000L)]
    [InlineData("5 ISK", 500L)]
    public void Parse_AmountsAsStripeCountsThem_AreTaken(string text, long expected) =>
        Assert.Equal(expected, Money.Parse(text).MinorUnits);

    [Theory]
    [InlineData(1_000_000_000_000L, "idr")]
    [InlineData(100_000_000L, "usd")]
    [InlineData(100_000_000L, "jpy")]
    [InlineData(50L, "isk")]
    [InlineData(5123L, "kwd")]
    public void TryCreate_MoreThanStripeTakes_IsRefused(long units, string currency) =>
        Assert.False(Money.TryCreate(units, currency, out _));

    [Theory]
    [InlineData(1020, "usd", "12.5", 128)]
    [InlineData(1000, "usd", "8.875", 89)]
    [InlineData(125, "usd", "10", 13)]
    [InlineData(333, "usd", "33.3333333333", 111)]
    [InlineData(99_999_999, "usd", "0.0000005", 0)]
    [InlineData(500, "isk", "12.5", 100)]
    [InlineData(5120, "kwd", "8.875", 450)]
    public void Percent_WithDecimals_IsExactAndRoundedOnce(long units, string currency, string percent, long expected) =>
        Assert.Equal(
            expected, Money.Create(units, currency).Percent(decimal.Parse(percent, CultureInfo.InvariantCulture)).MinorUnits);

    [Fact]
    public void Percent_RoundingOfTheCallersChoice_IsUsed()
    {
        Money amount = Money.Create(125, "usd");

        Assert.Equal(13, amount.Percent(10m).MinorUnits);
        Assert.Equal(12, amount.Percent(10m, MidpointRounding.ToEven).MinorUnits);
        Assert.Throws<ArgumentOutOfRangeException>(() => amount.Percent(0.00000000001m));
        Assert.Throws<ArgumentOutOfRangeException>(() => amount.Percent(-0.1m));
    }

    [Fact]
    public async Task Metadata_48EntriesAndEmoji_AreTakenAndReachLinkAndPayment()
    {
        using var host = new PaymentHost();
        var metadata = Enumerable.Range(0, 47).ToDictionary(i => $"key{i}", i => $"value{i}");
        metadata["😀"] = string.Concat(Enumerable.Repeat("😀", 500));

        await host.CreateAsync(PaymentHost.Order() with { Metadata = metadata });

        StripeFakeLink link = Assert.Single(host.Fake.Links);
        Assert.Equal((50, 50), (link.Metadata.Count, link.PaymentMetadata.Count));
        metadata["one more"] = "x";
        PaymentException refused = await host.FailsAsync(PaymentHost.Order("order-2") with { Metadata = metadata });
        Assert.Contains("at most 48", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_AreSentAsStripesFormHasThem()
    {
        using var host = new PaymentHost();
        await host.CreateAsync(PaymentHost.Order() with
        {
            Options = new PaymentLinkOptions
            {
                AllowPromotionCodes = true,
                AutomaticTax = true,
                TaxBehavior = PaymentTaxBehavior.Exclusive,
                CollectTaxId = true,
                CollectPhoneNumber = true,
                RequireBillingAddress = true,
                AlwaysCreateCustomer = true,
                ShippingCountries = ["DE", "AT"],
                ShippingRates = ["shr_1"],
                PaymentMethodTypes = ["card", "sepa_debit"],
                CustomFields = [new PaymentCustomField("table", "Table", IsNumeric: true)],
                SubmitType = "book",
                StatementDescriptorSuffix = "TABLE 4",
                InactiveMessage = "Closed.",
                ConfirmationMessage = "Thank you.",
                Extra = new Dictionary<string, string> { ["consent_collection[terms_of_service]"] = "required" },
            },
        });

        IReadOnlyDictionary<string, string> sent = Assert.Single(host.Fake.Links).Parameters;
        Assert.Equal("true", sent["allow_promotion_codes"]);
        Assert.Equal("true", sent["automatic_tax[enabled]"]);
        Assert.Equal("AT", sent["shipping_address_collection[allowed_countries][1]"]);
        Assert.Equal("shr_1", sent["shipping_options[0][shipping_rate]"]);
        Assert.Equal("numeric", sent["custom_fields[0][type]"]);
        Assert.Equal("Thank you.", sent["after_completion[hosted_confirmation][custom_message]"]);
        Assert.Equal("required", sent["consent_collection[terms_of_service]"]);
        Assert.Contains("tax_behavior=exclusive", host.Sent("POST", "/v1/prices")[0].Body, StringComparison.Ordinal);
    }

    public static TheoryData<PaymentLinkOptions, string> WrongOptions => new()
    {
        { new PaymentLinkOptions { SubmitType = "buy" }, "submit type" },
        { new PaymentLinkOptions { ShippingCountries = ["de"] }, "two-letter" },
        { new PaymentLinkOptions { ShippingRates = ["shr_1"] }, "need shipping countries" },
        { new PaymentLinkOptions { PaymentMethodTypes = ["Card"] }, "method types" },
        { new PaymentLinkOptions { CustomFields = [new("a", "A"), new("a", "B")] }, "custom fields" },
        { new PaymentLinkOptions { StatementDescriptorSuffix = "123" }, "statement descriptor" },
        { new PaymentLinkOptions { Extra = new Dictionary<string, string> { ["restrictions[completed_sessions][limit]"] = "9" } }, "set by Coach" },
        { new PaymentLinkOptions { Extra = new Dictionary<string, string> { ["transfer_data[amount]"] = "9" } }, "set by Coach" },
        { new PaymentLinkOptions { Extra = new Dictionary<string, string> { ["x&y"] = "9" } }, "extra parameter's name" },
    };

    [Theory]
    [MemberData(nameof(WrongOptions))]
    public async Task Options_ThatStripeWouldRefuse_AreRefusedBeforeAnythingIsSent(PaymentLinkOptions options, string reason)
    {
        using var host = new PaymentHost();

        PaymentException refused = await host.FailsAsync(PaymentHost.Order() with { Options = options });

        Assert.Equal(PaymentError.RequestInvalid, refused.Error);
        Assert.Contains(reason, refused.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(host.Fake.Requests);
    }

    [Fact]
    public async Task ExistingPriceAndProduct_AreSoldWithoutMakingOthers()
    {
        using var host = new PaymentHost();
        await host.CreateAsync(PaymentHost.Order("first"));
        StripeFakePrice known = host.Fake.Prices[0];
        int prices = host.Fake.Prices.Count;
        PaymentLinkRequest byPrice = PaymentHost.Order("by-price", 2500) with
        {
            Items = [new PaymentLineItem("Tab", Money.Create(1250, "usd"), 2) { PriceId = known.Id, MinQuantity = 1, MaxQuantity = 4 }],
        };

        PaymentLink link = await host.CreateAsync(byPrice);
        PaymentLink again = await host.CreateAsync(byPrice);

        Assert.Equal(prices, host.Fake.Prices.Count);
        Assert.Equal(link.Id, again.Id);
        Assert.Equal(2, host.Fake.Links.Count);
        Assert.Equal(known.Id, host.Fake.Links[1].Lines[0].PriceId);
    }

    [Theory]
    [InlineData(2, 2500, true)]
    [InlineData(4, 5000, true)]
    [InlineData(5, 6250, false)]
    [InlineData(1, 1251, false)]
    public async Task QuantityThatThePayerMayChange_CountsAsPaidWithinItsLimits(int quantity, long total, bool isPaid)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync(PaymentHost.Order(amount: 2500) with
        {
            Items = [new PaymentLineItem("Coffee", Money.Create(1250, "usd"), 2) { MinQuantity = 1, MaxQuantity = 4 }],
        });
        StripeFakeSession session = host.Fake.Complete(host.Fake.OpenSession(link.Id)!.Id, open => open with { AmountTotal = total })!;
        StripeWebhook webhook = host.Fake.BuildWebhook("checkout.session.completed", session.Id);

        PaymentLink now = (await host.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader)).Link!;

        Assert.Equal((isPaid, !isPaid), (now.Status == PaymentStatus.Succeeded, now.HasAmountMismatch));
        Assert.InRange(quantity, 1, 5);
    }

    [Theory]
    [InlineData(true, PaymentStatus.Succeeded)]
    [InlineData(false, PaymentStatus.Pending)]
    public async Task Discount_CountsAsPaidWhereCodesAreAllowedOnly(bool isAllowed, PaymentStatus expected)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync(PaymentHost.Order() with
        {
            Options = isAllowed ? new PaymentLinkOptions { AllowPromotionCodes = true } : null,
        });
        StripeFakeSession session = host.Fake.Complete(host.Fake.OpenSession(link.Id)!.Id, open => open with
        {
            AmountSubtotal = 1250,
            Discount = 250,
            AmountTotal = 1000,
        })!;
        StripeWebhook webhook = host.Fake.BuildWebhook("checkout.session.completed", session.Id);

        Assert.Equal(expected, (await host.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader)).Link!.Status);
    }

    [Theory]
    [InlineData("id,amount\n1,1250\n")]
    [InlineData("{\"not\":\"a ledger\"}")]
    [InlineData("x")]
    public void StorePath_OfAFileThatIsNoLedger_IsRefusedAndUntouched(string content)
    {
        string path = _folder.File("somebody.csv");
        File.WriteAllText(path, content);

        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => new FileIdempotencyStore(path));

        Assert.Contains("is no journal of payments", exception.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Fact]
    public async Task StorePath_OfALaterFormat_IsRefusedAndUntouched()
    {
        string path = _folder.File("payments.journal");
        using (var host = new PaymentHost(configure: options => options.StorePath = path))
        {
            await host.Store.TryAddEventAsync("evt_1");
        }

        byte[] bytes = File.ReadAllBytes(path);
        int at = bytes.AsSpan().IndexOf("\"format\":3"u8);
        Assert.True(at > 0);
        byte[] later = Rechecksummed(bytes, at + 9, (byte)'9');
        File.WriteAllBytes(path, later);

        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => new FileIdempotencyStore(path));

        Assert.Contains("of format 9", exception.Message, StringComparison.Ordinal);
        Assert.Equal(later, File.ReadAllBytes(path));
    }

    [Fact]
    public void StorePath_ThatCannotBeWritten_SaysSo()
    {
        string file = _folder.File("a-file");
        File.WriteAllText(file, "");
        using var host = new PaymentHost(configure: options => options.StorePath = Path.Combine(file, "payments.journal"));

        PaymentStoreException exception = Assert.Throws<PaymentStoreException>(() => host.Store);

        Assert.Equal(PaymentStoreError.NotWritable, exception.Error);
        Assert.Contains("Coach:Payments:StorePath", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StorePath_OfAnotherProcess_IsRefusedClearlyAfterTheWait()
    {
        string path = _folder.File("payments.journal");
        using var first = new PaymentHost(configure: options => options.StorePath = path);
        await first.CreateAsync();
        using var second = new PaymentHost(configure: options =>
            (options.StorePath, options.StoreLockTimeout) = (path, TimeSpan.FromMilliseconds(200)));

        PaymentStoreException exception = Assert.Throws<PaymentStoreException>(() => second.Store);

        Assert.Equal(PaymentStoreError.InUse, exception.Error);
    }

    [Fact]
    public async Task StorePath_AfterARestart_KnowsPaymentsRefundsAndFacts()
    {
        var clock = new VirtualClock();
        StripeFake fake = PaymentHost.NewFake(clock);
        string path = _folder.File("deep/down/payments.journal");
        PaymentLink link;
        using (var first = new PaymentHost(fake, clock, configure: options => options.StorePath = path))
        {
            link = await first.CreateAsync();
            Assert.Equal(2, first.Fake.Requests.Count(request => request.Method == "POST"));
        }

        StripeFakeSession session = fake.Pay(link.Id)!;
        using var second = new PaymentHost(fake, clock, configure: options => options.StorePath = path);
        StripeWebhook webhook = fake.BuildWebhook("checkout.session.completed", session.Id);
        await second.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader);

        Assert.Equal(PaymentFactKind.Paid, Assert.Single(await second.Events.ClaimAsync(10)).Kind);
    }

    // The first frame's checksum covers its length and all that follows the checksum.
    private static byte[] Rechecksummed(byte[] bytes, int at, byte value)
    {
        byte[] changed = [.. bytes];
        changed[at] = value;
        int length = BitConverter.ToInt32(changed, 4) + 21;
        uint checksum = ~Crc(Crc(uint.MaxValue, changed.AsSpan(4, 4)), changed.AsSpan(12, length - 12));
        BitConverter.TryWriteBytes(changed.AsSpan(8), checksum);
        return changed;
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F63B78;
            }
        }

        return crc;
    }
}
