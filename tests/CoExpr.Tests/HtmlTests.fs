namespace CoExpr.Tests

open System
open System.IO
open System.Security.Cryptography
open System.Text
open System.Text.Json
open System.Text.RegularExpressions
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module HtmlTests =

    let private page quantity names =
        Report.coexpression (ReportSample.report quantity names)

    let private ordinary = lazy page ReportSample.mutualInformation ReportSample.genes
    let private hostile = lazy page ReportSample.correlation ReportSample.hostileNames

    let private scripts kind html = [
        for found in Regex.Matches(html, $"<script{kind}>(.*?)</script>", RegexOptions.Singleline) ->
            found.Groups[found.Groups.Count - 1].Value
    ]

    let private specifications html =
        scripts " type=\"application/json\" id=\"[a-z-]+\"" html

    let private withoutScripts html =
        Regex.Replace(html, "(<script[^>]*>).*?</script>", "$1", RegexOptions.Singleline)

    let private resource name =
        use stream =
            typeof<Figure>.Assembly.GetManifestResourceStream("CoExpr.Report." + name)

        use reader = new StreamReader(stream)
        reader.ReadToEnd()

    [<Test>]
    let ``a page is HTML in UTF-8 with the run's names and values`` () =
        let html = ordinary.Value
        Assert.That(html, Does.StartWith "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
        Assert.That(html, Does.Contain "<h1><bdi>cells.h5ad</bdi></h1>")
        Assert.That(html, Does.Contain "<dt>Seed</dt><dd>1</dd>")

        Assert.That(
            html,
            Does.Contain
                "Mutual information (bits) of 2,014 pairs of 8 genes, estimated from 2,700 cells; cells in which neither gene"
        )

    [<Test>]
    let ``every figure's specification is JSON of the embedded Vega-Lite's major version`` () =
        // The minified library begins by naming its version.
        let version =
            Regex.Match((resource "vega-lite.min.js").Substring(0, 600), "\"(\\d+)\\.\\d+\\.\\d+\"")

        for html in [ ordinary.Value; hostile.Value ] do
            let specifications = specifications html
            Assert.That(specifications.Length, Is.EqualTo 2)

            for specification in specifications do
                let schema =
                    JsonDocument.Parse(specification).RootElement.GetProperty("$schema").GetString()

                Assert.That(schema, Does.EndWith $"/vega-lite/v{version.Groups[1].Value}.json")

    [<Test>]
    let ``the licences name the versions that are embedded`` () =
        let notices = resource "THIRD-PARTY-NOTICES.md"

        for library in [ "vega"; "vega-lite"; "vega-embed" ] do
            let version =
                Regex.Match(notices, $"\\b{library} (\\d+\\.\\d+\\.\\d+)").Groups[1].Value

            Assert.That(resource $"{library}.min.js", Does.Contain $"\"{version}\"")

        Assert.That(ordinary.Value, Does.Contain "University of Washington Interactive Data Lab")

    [<Test>]
    let ``no name from a file becomes an element, a script or the end of one`` () =
        let html = hostile.Value
        let elements = Regex.Matches(withoutScripts html, "<(script|img|svg)\\b")
        // Two specifications and four programs.
        Assert.That(elements.Count, Is.EqualTo 6)
        Assert.That(Regex.Matches(html, "</script").Count, Is.EqualTo 6)
        Assert.That(withoutScripts html, Does.Not.Contain "<!--")
        Assert.That(withoutScripts html, Does.Contain "&lt;script&gt;document.body.dataset.owned = 1&lt;/script&gt;")

    [<Test>]
    let ``an attribute ends where it should, whatever the name in it`` () =
        let bare =
            Regex.Replace(withoutScripts hostile.Value, "<style>.*?</style>", "", RegexOptions.Singleline)

        let tag = Regex "</?[a-z0-9]+( [a-z-]+=\"[^\"<>]*\")*>"
        let left = tag.Replace(bare.Replace("<!DOCTYPE html>", ""), "")
        Assert.That(left, Does.Not.Contain "<")
        Assert.That(left, Does.Not.Contain ">")

    [<Test>]
    let ``control characters, which HTML cannot hold, are replaced`` () =
        Assert.That(hostile.Value |> Seq.exists (fun c -> c = '\u0000' || c = '\u001b'), Is.False)

    [<Test>]
    let ``nothing is loaded from anywhere`` () =
        for html in [ ordinary.Value; hostile.Value ] do
            let page = withoutScripts html

            let loads =
                Regex.Matches(page, "<[^>]*\\s(src|href|action|srcset|data)=\"(?!data:)[^\"]*\"")

            Assert.That(loads, Is.Empty)
            Assert.That(page, Does.Not.Match "@import|url\\(")
            Assert.That(html, Does.Not.Contain "sourceMappingURL")
            Assert.That(page, Does.Contain "default-src &#39;none&#39;")

    [<Test>]
    let ``the policy lets exactly the page's four programs run`` () =
        let html = ordinary.Value

        let policy =
            Regex.Match(html.Replace("&#39;", "'"), "script-src ([^;]*);").Groups[1].Value

        let hashes = [
            for script in scripts "" html ->
                $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes script))}'"
        ]

        Assert.That(hashes.Length, Is.EqualTo 4)
        Assert.That(policy, Is.EqualTo(String.Join(" ", hashes)))

    [<Test>]
    let ``the table has a row for each hub, sortable by number`` () =
        let html = ordinary.Value
        Assert.That(Regex.Matches(html, "<tr><th scope=\"row\"").Count, Is.EqualTo 8)
        Assert.That(html, Does.Contain "<td class=\"number\" data-value=\"1.25\">1.25</td>")
        Assert.That(html, Does.Contain "<bdi>HLA-DRA</bdi><span>0.500</span>")

    [<Test>]
    let ``what there is nothing of is said instead of drawn`` () =
        let html =
            Report.coexpression {
                ReportSample.report ReportSample.mutualInformation [| "A"; "B" |] with
                    Counts = [| 0L; 0L; 0L; 0L |]
                    HeatMapScores = Array.create 4 nan
                    Hubs = [||]
            }

        Assert.That(specifications html, Is.Empty)
        Assert.That(html, Does.Contain "there is no distribution to show")
        Assert.That(html, Does.Contain "there is nothing to cluster")
        Assert.That(html, Does.Contain "no gene has a partner")

    [<Test>]
    let ``a page stays near the size of the libraries`` () =
        Assert.That(Encoding.UTF8.GetByteCount ordinary.Value, Is.LessThan 1_000_000)

    [<Property>]
    let ``a text reads back as it was written`` (FsCheck.NonNull(words: string)) =
        let allowed =
            String.filter (fun c -> c = '\n' || c = '\t' || not (Char.IsControl c)) words

        Net.WebUtility.HtmlDecode(Markup.write (Markup.Text allowed)) = allowed

    [<Test>]
    let ``markup is written like this`` () =
        let markup =
            Markup.Element("a", [ "title", "\"<&>'" ], [ Markup.Text "a < b & 'c'"; Markup.element "br" [] ])

        Assert.That(
            Markup.write markup,
            Is.EqualTo "<a title=\"&quot;&lt;&amp;&gt;&#39;\">a &lt; b &amp; &#39;c&#39;<br></a>"
        )

    [<TestCase("x</SCRIPT>")>]
    [<TestCase("x<!--")>]
    let ``code that would end its element is refused`` (code: string) =
        Expect.refused "where the element ends" (fun () -> Markup.code "script" [] code)

    [<Test>]
    let ``JSON is written like this`` () =
        let json =
            Json.Object [
                "a", Json.List [ Json.Null; Json.Flag true; Json.Number 0.1; Json.Number nan ]
                "</script>", Json.Text "\"<&\u2028"
            ]

        Assert.That(
            Json.write json,
            Is.EqualTo "{\"a\":[null,true,0.1,null],\"\\u003C/script\\u003E\":\"\\u0022\\u003C\\u0026\\u2028\"}"
        )
