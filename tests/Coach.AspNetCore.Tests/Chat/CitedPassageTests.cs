using Coach.AspNetCore.Chat;
using Coach.Rag;

namespace Coach.AspNetCore.Tests.Chat;

public sealed class CitedPassageTests
{
    [Fact]
    public void Of_APassageOfAPage_NamesThePage()
    {
        var passage = new Passage("text", "report.pdf", 0, 4, 0.123456) { Page = 7 };

        CitedPassage cited = CitedPassage.Of(new Citation(2, passage));

        Assert.Equal((2, "report.pdf", 7, 0.1235), (cited.Number, cited.Source, cited.Page!.Value, cited.Score));
    }
}
