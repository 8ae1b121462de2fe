"""The grid of method x score x picture: one papermill run each, then the figures.

What is made is listed in workflow/plan.py. Figures are drawn in results/figures/; workflow/figures.py,
which runs this, compares them with those of the repository.
"""

sys.path.insert(0, "workflow")
from plan import FIGURES, PAPER, PATH_METHODS, PICTURES, STEPS, figures, heatmaps

# notebook: the measurements that it draws
MEASURED = {"7_cost": expand("benchmarks/{name}.json", name=glob_wildcards("benchmarks/{name}.json").name)}

# `make imagenet` runs these on a network with ImageNet's classes: what is explained
OF_CAT = "-r target 'Egyptian cat'"
UNSURE = "-r unsure_image cat_and_cup -r unsure_target cup"
ON_IMAGENET = {
    "1_softmax_gradients": f"{OF_CAT} {UNSURE}",
    "2_detecting_a_class": OF_CAT,
    "3_loss": OF_CAT,
    "4a_one_map": f"{OF_CAT} {UNSURE}",
    "4b_saturation": "",
    "4c_contrasts": f"{OF_CAT} {UNSURE}",
    "5_manipulated_maps": OF_CAT,
    "6_discussion": OF_CAT,
}

# these look the claims up
CLAIMS = {name: ["notebooks/claims.csv"] for name in ("index", "6_discussion")}

PACKAGE = glob_wildcards("xai_utils/{file,[^.].*}.py").file
SOURCES = expand("xai_utils/{file}.py", file=PACKAGE) + expand("xai_utils/embedded/data/{file}", file=["vgg19_mini.npz", "regions.json"]) + ["xai_utils/pretrained/data/imagenet_classes.txt"]
GRID = heatmaps()

# runs share the cores: one thread each, unless the user has set another number
for library in ("TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM"):
    os.environ.setdefault(f"{library}_THREADS", "1")

# NAME, NOTEBOOK, OUTPUT and parameters follow
RUN = "sh workflow/notebook.sh"


rule all:
    input:
        expand("results/{run}.{ending}", run=GRID, ending=["npz", "json", "ipynb"]),
        expand("results/figures/{name}.{ending}", name=figures(), ending=["png", "pdf"]),


rule heatmap:
    input:
        notebook="notebooks/methods/{method}.ipynb",
        sources=SOURCES,
    output:
        "results/{picture}/{method}-{score}.npz",
        "results/{picture}/{method}-{score}.json",
        notebook="results/{picture}/{method}-{score}.ipynb",
    params:
        image=lambda w: PICTURES[w.picture][0],
        target=lambda w: PICTURES[w.picture][1],
        steps=lambda w: f"-p steps {STEPS}" if w.method in PATH_METHODS else "",
    shell:
        "{RUN} {wildcards.picture}-{wildcards.method}-{wildcards.score} "
        "{input.notebook} {output.notebook} "
        "-r image {params.image} -r target {params.target} -r score {wildcards.score} "
        "-r results results/{wildcards.picture} {params.steps}"


for paper, drawn in PAPER.items():

    rule:
        name:
            f"paper_{paper}"
        input:
            notebook=f"notebooks/{paper}.ipynb",
            sources=SOURCES,
            measured=MEASURED.get(paper, []),
            claims=CLAIMS.get(paper, []),
        output:
            expand("results/figures/{name}.{ending}", name=drawn, ending=["png", "pdf"]),
            notebook=f"results/{paper}.ipynb",
        priority: 1  # the long ones first, so that none is left alone at the end
        params:
            name=paper,
            folders="-r benchmarks benchmarks" if paper in MEASURED else "",
        shell:
            "{RUN} {params.name} {input.notebook} {output.notebook} "
            "-r figures results/figures {params.folders}"


rule figure_2:
    input:
        expand("results/{run}.{ending}", run=GRID, ending=["npz", "json"]),
        notebook="notebooks/figure_2.ipynb",
        sources=SOURCES,
        claims="notebooks/claims.csv",
    output:
        expand("results/figures/{name}.{ending}", name=FIGURES, ending=["png", "pdf"]),
        notebook="results/figure_2.ipynb",
    shell:
        "{RUN} figure_2 {input.notebook} {output.notebook} "
        "-r results results -r figures results/figures"


rule imagenet:
    input:
        expand("results/imagenet/{name}.ipynb", name=ON_IMAGENET),


for paper, explained in ON_IMAGENET.items():

    rule:
        name:
            f"imagenet_{paper}"
        input:
            notebook=f"notebooks/{paper}.ipynb",
            sources=SOURCES,
            claims=CLAIMS.get(paper, []),
        output:
            notebook=f"results/imagenet/{paper}.ipynb",
        params:
            name=paper,
            explained=explained,
        shell:
            "{RUN} imagenet-{params.name} {input.notebook} {output.notebook} "
            "-r model efficientnet-lite0 -r layer top_activation "
            "-r figures results/imagenet/figures {params.explained}"
