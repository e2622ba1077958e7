using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.MiniLM.Tests;

/// <summary>The smallest case that must be excellent: 18 passages, questions in other words, and chat about other things.</summary>
public sealed class SmallFolderTests : IAsyncLifetime
{
    private static readonly (string Id, string Text)[] Passages =
    [
        ("refunds", "Money is returned to the customer within five working days after we receive the parcel."),
        ("opening", "The shop opens at nine in the morning and closes at six; on Saturdays at two."),
        ("parking", "Cars may stand behind the house for two hours; a disc must lie behind the windscreen."),
        ("delivery", "Parcels are sent with the post and arrive after two to three days; abroad it takes a week."),
        ("warranty", "A device that breaks within two years is repaired or replaced free of charge."),
        ("password", "To choose a new password, press Forgotten on the sign-in page and open the link in the mail."),
        ("cancel", "A subscription ends at the close of the month in which you give notice in your account."),
        ("invoice", "Bills are sent as PDF by mail; older ones are listed under Documents for ten years."),
        ("privacy", "Addresses are kept for as long as the law demands and are sold to nobody."),
        ("allergy", "The lunch menu marks dishes with nuts, milk, eggs and gluten by small letters."),
        ("dogs", "Dogs may come in on a leash, but not into the kitchen."),
        ("wifi", "Guests get free internet access; the code hangs at the counter and changes each week."),
        ("jobs", "We look for a baker and a driver; write to the office with your papers."),
        ("heating", "Turn the left knob to three for a warm room; at night the boiler rests by itself."),
        ("battery", "Charge the scooter's accumulator before winter and store it in a dry, cool place."),
        ("loyalty", "Every tenth coffee is on the house when you show your stamp card."),
        ("accessibility", "A ramp leads to the side door; the toilet on the ground floor is wide enough for wheelchairs."),
        ("fire", "When the alarm sounds, leave by the stairs, never the lift, and meet at the old oak."),
    ];

    private static readonly (string Id, string Question)[] Questions =
    [
        ("refunds", "How long until I get my cash back?"),
        ("refunds", "When will I be reimbursed?"),
        ("opening", "What are your business hours?"),
        ("opening", "Are you open at the weekend?"),
        ("parking", "Where can I leave my vehicle?"),
        ("parking", "How long am I allowed to park?"),
        ("delivery", "How soon will my order get here?"),
        ("delivery", "Do you ship to other countries?"),
        ("warranty", "My toaster stopped working, what now?"),
        ("warranty", "Is there a guarantee?"),
        ("password", "I can't log in any more"),
        ("password", "How do I reset my login?"),
        ("cancel", "How do I unsubscribe?"),
        ("cancel", "I want to quit my membership plan"),
        ("invoice", "Where do I find my receipts?"),
        ("privacy", "Do you share my personal data?"),
        ("allergy", "Is the food safe for someone who can't eat peanuts?"),
        ("dogs", "Can I bring my pet?"),
        ("wifi", "How do I get online?"),
        ("wifi", "What's the wireless network key?"),
        ("jobs", "Are you hiring?"),
        ("jobs", "How can I apply for work?"),
        ("heating", "It's cold in here, how do I raise the temperature?"),
        ("battery", "How do I keep the e-scooter over the cold season?"),
        ("loyalty", "Do regular customers get free drinks?"),
        ("accessibility", "Can disabled people get in?"),
        ("fire", "What do I do in an emergency?"),
        ("fire", "Where is the evacuation assembly point?"),
    ];

    private RagHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = new RagHost(rag => rag.UseMiniLM());
        await _host.Knowledge.AddOrUpdateAsync(Passages.Select(passage => new KnowledgeDocument(passage.Id, passage.Text)));
        await _host.Knowledge.EmbedAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task RetrieveAsync_QuestionsInOtherWords_FindTheirPassagesAmongTheFirstThree()
    {
        var missed = new List<string>();
        foreach ((string id, string question) in Questions)
        {
            Retrieval retrieval = await _host.Retriever.RetrieveAsync(question);
            Assert.Equal(RagTier.Hybrid, retrieval.Tier);
            if (!retrieval.Passages.Take(3).Any(passage => passage.DocumentId == id))
            {
                missed.Add(question);
            }
        }

        Assert.True(missed.Count <= 2, string.Join('\n', missed));
    }

    [Theory]
    [InlineData("Tell me a joke about penguins")]
    [InlineData("Who won the world cup in 1998?")]
    [InlineData("What is the square root of 144?")]
    [InlineData("Write a poem about the moon")]
    [InlineData("Thanks, that was great!")]
    [InlineData("Translate hello to Japanese")]
    [InlineData("What is the capital of Mongolia?")]
    [InlineData("Explain quantum entanglement")]
    public async Task RetrieveAsync_ChatAboutOtherThings_FindsNothing(string question) =>
        Assert.Empty((await _host.Retriever.RetrieveAsync(question)).Passages);

    [Fact]
    public async Task RetrieveAsync_CoverageZero_AsksForNoFloor() =>
        Assert.NotEmpty((await _host.Retriever.RetrieveAsync(
            "Tell me a joke about penguins", new RetrievalOptions { MinCoverage = 0 })).Passages);
}
