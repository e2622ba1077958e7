using System.Diagnostics;
using System.Globalization;
using Coach.Payments;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Payments;

/// <summary>
/// Kills a host that takes payments with the file store: it creates links, receives webhooks, polls, and its handler writes what it did
/// into a database of its own. The provider lives here and keeps its books; when all is over, every payment in them was acted on once.
/// </summary>
internal static class HostKillsProof
{
    public const string HostName = "store-kills-host";

    private const string Books = "host.books";

    /// <summary>What the kills gave.</summary>
    public sealed record Result(int Kills, int Links, int Duplicates, int FulfilledTwice, int NeverFulfilled, int CrossedMode)
    {
        public bool IsClean => Duplicates + FulfilledTwice + NeverFulfilled + CrossedMode == 0;

        public string ToJson() => string.Create(CultureInfo.InvariantCulture,
            $"{{\"kills\":{Kills},\"links\":{Links},\"duplicates\":{Duplicates},\"fulfilledTwice\":{FulfilledTwice},\"neverFulfilled\":{NeverFulfilled},\"crossedMode\":{CrossedMode}}}");
    }

    /// <summary>Runs the kills, then one host to its end.</summary>
    public static async Task<Result> RunAsync(int kills, int seed, Func<ProcessStartInfo> host)
    {
        if (kills == 0)
        {
            return new Result(0, 0, 0, 0, 0, 0);
        }

        string folder = Directory.CreateTempSubdirectory("coach-host-kills-").FullName;
        await using StripeFake fake = await StripeFake.StartAsync();
        var random = new Random(seed);
        try
        {
            for (int kill = 0; kill <= kills; kill++)
            {
                await LiveAsync(host(), fake, folder, kill < kills ? random : null);
            }

            // The host's transaction is one line: the fact's id and what was done for it.
            string[][] done = [.. File.ReadAllLines(Path.Combine(folder, Books)).Select(line => line.Split(' ')).Where(parts => parts.Length == 4)];
            StripeFakeSession[] paid = [.. fake.Sessions.Where(session => session.PaymentStatus == "paid")];
            ILookup<string, string[]> bySession = done.Where(parts => parts[1] == nameof(PaymentFactKind.Paid)).ToLookup(parts => parts[2]);
            return new Result(
                kills, fake.Links.Count,
                fake.Links.GroupBy(link => link.Metadata["coach_operation"]).Count(group => group.Count() > 1),
                paid.Count(session => bySession[session.Id].Select(parts => parts[0]).Count() > 1),
                paid.Count(session => !bySession[session.Id].Any()),
                done.Count(parts => parts[2].StartsWith("cs_cross", StringComparison.Ordinal)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The host: reads commands, says what it did.</summary>
    public static async Task<int> RunHostAsync(Uri stripe, string folder)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Coach:Mode"] = "real",
            ["STRIPE_API_KEY"] = "sk_live_kills",
            ["STRIPE_WEBHOOK_SECRET"] = "whsec_coach_testing",
            ["Coach:Payments:Stripe:BaseUrl"] = stripe.AbsoluteUri,
            ["Coach:Payments:StorePath"] = Path.Combine(folder, "payments.journal"),
            ["Coach:Payments:DeliveryLease"] = "00:00:01",
        }).Build());
        services.AddCoachPayments();
        await using ServiceProvider provider = services.BuildServiceProvider();
        IPaymentLinks links = provider.GetRequiredService<IPaymentLinks>();
        IPaymentWebhooks webhooks = provider.GetRequiredService<IPaymentWebhooks>();
        IPaymentEvents events = provider.GetRequiredService<IPaymentEvents>();
        string books = Path.Combine(folder, Books);
        Task handling = Task.Run(HandleAsync);
        Say("ready");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            string[] parts = line.Split(' ');
            try
            {
                switch (parts[0])
                {
                    case "create":
                        PaymentLink link = await links.CreateAsync(new PaymentLinkRequest
                        {
                            OperationKey = parts[1],
                            Amount = Money.Create(1250, "usd"),
                            Description = "Bar tab",
                        });
                        Say($"link {link.Id}");
                        break;
                    case "webhook":
                        await webhooks.HandleAsync(Convert.FromBase64String(parts[2]), parts[1]);
                        Say("ok");
                        break;
                    case "poll":
                        await links.GetStatusAsync(parts[1]);
                        Say("ok");
                        break;
                    case "drain":
                        await links.ReconcileAsync();
                        while (await provider.GetRequiredService<IIdempotencyStore>().CountAsync() is { PendingFacts: > 0 })
                        {
                            await Task.Delay(100);
                        }

                        Say("ok");
                        break;
                }
            }
            catch (PaymentException exception)
            {
                Say("failed " + exception.Error);
            }
        }

        return 0;

        async Task HandleAsync()
        {
            HashSet<string> known = File.Exists(books)
                ? [.. File.ReadAllLines(books).Select(line => line.Split(' ')).Where(parts => parts.Length == 4).Select(parts => parts[0])]
                : [];

            // A line that a kill cut off ends here: the transaction before never was.
            File.AppendAllText(books, "\n");
            while (true)
            {
                foreach (PaymentFact fact in await events.ClaimAsync(8))
                {
                    if (known.Add(fact.Id))
                    {
                        File.AppendAllText(books, $"{fact.Id} {fact.Kind} {fact.Payment?.SessionId ?? "-"} .\n");
                    }

                    await events.ConfirmAsync(fact);
                }

                await Task.Delay(5);
            }
        }

        static void Say(string text)
        {
            Console.Out.WriteLine(text);
            Console.Out.Flush();
        }
    }

    private static async Task LiveAsync(ProcessStartInfo start, StripeFake fake, string folder, Random? random)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardInput = true;
        start.ArgumentList.Add(fake.Url.AbsoluteUri);
        start.ArgumentList.Add(folder);
        using Process host = Process.Start(start)!;
        await host.StandardOutput.ReadLineAsync();
        if (random is null)
        {
            foreach (StripeFakeSession session in fake.Sessions.Where(session => session.PaymentStatus == "paid"))
            {
                string operation = fake.Links.First(link => link.Id == session.LinkId).Metadata["coach_operation"];
                await AskAsync(host, $"create {operation}");
                await AskAsync(host, Delivery(fake.BuildWebhook("checkout.session.completed", session.Id)));
            }

            await AskAsync(host, "drain");
            host.StandardInput.Close();
            await host.WaitForExitAsync();
            return;
        }

        Task killing = KillAsync(host, TimeSpan.FromMilliseconds(random.Next(1500)));
        for (int step = 0; !host.HasExited; step++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"order-{random.Next(1_000_000)}:1");
            if (await AskAsync(host, $"create {key}") is not { } made || !made.StartsWith("link ", StringComparison.Ordinal))
            {
                break;
            }

            string link = made[5..];
            if (fake.Pay(link) is not { } session)
            {
                continue;
            }

            // The provider delivers again what was not acknowledged; here the last host gets it all.
            await AskAsync(host, step % 3 == 0 ? $"poll {link}" : Delivery(fake.BuildWebhook("checkout.session.completed", session.Id)));
        }

        await killing;
    }

    private static string Delivery(StripeWebhook webhook) => $"webhook {webhook.SignatureHeader} {Convert.ToBase64String(webhook.Body.Span)}";

    private static async Task<string?> AskAsync(Process host, string command)
    {
        try
        {
            await host.StandardInput.WriteLineAsync(command);
            await host.StandardInput.FlushAsync();
            return await host.StandardOutput.ReadLineAsync();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task KillAsync(Process host, TimeSpan after)
    {
        await Task.Delay(after);
        host.Kill();
        await host.WaitForExitAsync();
    }
}
