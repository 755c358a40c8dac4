using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Every kind of output, read back by the programs that users read them with.</summary>
public class OutputTests
{
    // Reads the matrix of scores, and that of cells where there is one, from files of any kind.
    const string Reader = """
        import sys, json, csv, gzip, numpy as np, scipy.sparse as sp, anndata
        genes = json.loads(sys.argv[1])
        def dense(matrix):
            return matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)
        def read(path):
            if path.endswith('.h5ad'):
                data = anndata.read_h5ad(path)
                assert list(data.var_names) == genes, list(data.var_names)
                assert list(data.var['coexpr_cells']) == [5, 5, 4, 4]
                return dense(data.varp['mi']), dense(data.varp['mi_cells'])
            if path.endswith('.npz'):
                assert list(np.load(path)['genes']) == genes
                return sp.load_npz(path).toarray(), None
            if path.endswith('.npy'):
                return np.load(path), None
            opened = gzip.open(path, 'rt', newline='') if path.endswith('.gz') else open(path, newline='')
            mi, cells = np.zeros((4, 4)), np.zeros((4, 4))
            for row in csv.DictReader(opened, delimiter=',' if '.csv' in path else '\t'):
                a, b = genes.index(row['gene_a']), genes.index(row['gene_b'])
                assert cells[a, b] == 0
                mi[a, b] = mi[b, a] = float(row['mi'])
                cells[a, b] = cells[b, a] = int(row['cells'])
            return mi, cells
        def listed(matrix, number):
            assert matrix.shape == (4, 4) and np.array_equal(matrix, matrix.T) and not matrix.diagonal().any()
            return [number(value) for value in matrix.flat]
        answers = []
        for path in sys.argv[2:]:
            mi, cells = read(path)
            answers.append({'mi': listed(mi, float)} if cells is None else {'mi': listed(mi, float), 'cells': listed(cells, int)})
        print(json.dumps(answers))
        """;

    static readonly string[] Names = ["A", "quoted \"B\"", "with\ttab", "ß/ζ,日"];

    // Awkward names, in the order of the known genes that pass.
    static readonly Sample Awkward = Sample.Known.Renamed("B", Names[1]).Renamed("C", Names[2]).Renamed("D", Names[3]);

    static readonly string[] Endings = ["h5ad", "tsv", "csv", "tsv.gz", "csv.gz", "npz", "npy"];

    [Test]
    public async Task IsReadBackElsewhereAsItWasComputed([Values] bool all)
    {
        using var scratch = new Scratch();
        var options = all ? new CoExpressionOptions { All = true } : new() { Top = 1 };
        var result = await CoExpression.ComputeAsync(Awkward.Data, options);
        Assert.That(result.Genes, Is.EqualTo(Names));
        var files = Endings.Select(ending => scratch[$"out.{ending}"]).ToArray();
        foreach (var file in files)
            await result.SaveAsync(file);
        Assert.That(scratch.Files(), Has.Length.EqualTo(files.Length));

        var scores = Names.SelectMany(result.Row).ToArray();
        var cells = Names.SelectMany(a => Names.Select(b => result.Pair(a, b)?.Cells ?? 0)).ToArray();
        var answers = Python.Run(Reader, [JsonSerializer.Serialize(Names), .. files]);
        foreach (var (file, read) in files.Zip(answers.EnumerateArray()))
        {
            Assert.That(
                read.GetProperty("mi").EnumerateArray().Select(value => value.GetDouble()),
                Is.EqualTo(scores),
                file
            );
            if (read.TryGetProperty("cells", out var counted))
                Assert.That(counted.EnumerateArray().Select(value => value.GetInt32()), Is.EqualTo(cells), file);
            else
                Assert.That(file, Does.Match("np[yz]$"));
        }
    }

    [Test]
    public async Task EndingsMayBeInCapitals([Values("tsv", "h5ad", "csv.gz", "npz", "npy")] string ending)
    {
        using var scratch = new Scratch();
        var result = await CoExpression.ComputeAsync(Sample.Known.Data);
        await result.SaveAsync(scratch[$"small.{ending}"]);
        await result.SaveAsync(scratch[$"capital.{ending.ToUpperInvariant()}"]);
        byte[] Of(string name) => File.ReadAllBytes(scratch[name]);
        var (small, capital) = (Of($"small.{ending}"), Of($"capital.{ending.ToUpperInvariant()}"));
        Assert.That(capital[..4], Is.EqualTo(small[..4]));
        Assert.That(capital, Has.Length.EqualTo(small.Length));
    }

    [Test]
    public async Task ATableHasThePairsInTheirOrder()
    {
        using var scratch = new Scratch();
        var result = await CoExpression.ComputeAsync(Sample.Known.Data, new() { Top = 1 });
        await result.SaveAsync(scratch["out.tsv"]);
        await result.SaveAsync(scratch["out.tsv.gz"]);
        var lines = File.ReadAllLines(scratch["out.tsv"]);
        Assert.That(lines[0], Is.EqualTo("gene_a\tgene_b\tmi\tcells"));
        Assert.That((lines[1], lines[3]), Is.EqualTo(("A\tC\t0\t5", "C\tD\t2\t4")));
        using var unpacked = new StreamReader(
            new GZipStream(File.OpenRead(scratch["out.tsv.gz"]), CompressionMode.Decompress)
        );
        Assert.That(unpacked.ReadToEnd(), Is.EqualTo(File.ReadAllText(scratch["out.tsv"])));
    }

    [Test]
    public async Task AnOldFileIsReplaced()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["out.tsv"], "old");
        var result = await CoExpression.ComputeAsync(Sample.Known.Data);
        await result.SaveAsync(scratch["out.tsv"]);
        Assert.That(File.ReadAllText(scratch["out.tsv"]), Does.StartWith("gene_a"));
    }

    [Test]
    public async Task AReportIsOnePageThatNeedsNoOther()
    {
        using var scratch = new Scratch();
        var result = await CoExpression.ComputeAsync(Awkward.Data);
        await result.SaveReportAsync(scratch["out.html"]);
        var page = File.ReadAllText(scratch["out.html"]);
        Assert.That(page, Does.StartWith("<!DOCTYPE html>").IgnoreCase);
        Assert.That(page, Does.Not.Match("<(script|link|img)[^>]+(src|href)=[\"']https?:"));
    }

    [Test]
    public async Task ScoresAreNoMatrixToScoreAgain()
    {
        using var scratch = new Scratch();
        var result = await CoExpression.ComputeAsync(Sample.Known.Data);
        await result.SaveAsync(scratch["out.h5ad"]);
        var lines = await CellData.DescribeAsync(scratch["out.h5ad"]);
        Assert.That(lines.Select(line => line.Key), Does.Contain("varp mi"));
        var error = Assert.ThrowsAsync<CoExprException>(() => CellData.ReadAsync(scratch["out.h5ad"]));
        Assert.That(error!.Kind, Is.EqualTo(CoExprErrorKind.MissingPart));
    }
}
