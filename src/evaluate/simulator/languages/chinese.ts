/** Prompts in Chinese. */
import { type Phrases, SHARED } from './language.ts';

export const chinese: Phrases = {
  lists: {
    ...SHARED,
    name: ['小明', '小红', '李雷', '王芳', '张伟', '陈静', '刘洋', '赵敏'],
    person: ['李伟', '王芳', '张敏', '陈磊', '刘洋', '赵静', '黄勇', '周婷'],
    city: ['成都', '杭州', '西安', '青岛', '昆明', '大连', '苏州', '厦门'],
    topic: ['搬到{city}', '街角新开的面包店', '去海边的旅行', '{name}的生日', '{year}年的夏天'],
    animal: ['小猫', '刺猬', '白马', '猫头鹰', '狐狸'],
    adjective: ['温暖', '正式', '安静', '固执', '谨慎', '忧郁'],
    item: ['螺丝', '台灯', '电缆', '椅子', '蜂蜜', '笔记本'],
    tongue: ['英文', '波兰文', '日文', '瑞典文'],
    sentence: [
      '{year}年,{person}买下了{city}的工厂,那里曾有{n}人工作。',
      '{city}市议会以{n}比{d}否决了计划,尽管{name}表示支持。',
      '降雨比{year}年少了百分之{n},{city}附近损失了{nn}亩小麦。',
      '{company}公布销售额{money}万元,并裁员{nn}人。',
    ],
    review: ['{item}过了{n}天才到,而且坏了。', '{name}很{adjective},又寄来{d}个新的{item}。'],
  },
  systems: ['你是{city}{company}公司的助手。请礼貌回答,不超过{n}行。'],
  answers: ['好的,这是关于{topic}的初稿。', '结果是{nn},一共{d}步。'],
  follows: ['谢谢!现在请做这个:\n{ask}', '还有{d}处不对,请再来一次:{ask}'],
  kinds: {
    code: {
      asks: [
        '请用 {coding} 写一个函数 `{fn}({noun})`,返回最大的 {n} 个值:\n\n```\n{pieces}\n```',
        '这段 {coding} 代码为什么报 `{error}`?\n\n```\n{pieces}\n```',
      ],
      pieces: ['{line}'],
      between: '\n',
    },
    maths: {
      asks: ['{pieces}最后{name}还有多少?', '解方程 {formula} 并化简。{pieces}'],
      pieces: ['{name}买了{n}个{item},每个{money}元,送出{d}个。', '{d}天后多了百分之{n}。', '设 {formula}。'],
      between: '',
    },
    choice: {
      asks: ['{pieces}\n由此可知?\nA. {name}是对的\nB. 损失了{n}\nC. 都不是\n只答字母。'],
      pieces: ['{sentence}'],
      between: '',
    },
    summary: { asks: ['请用{d}句话概括下文。\n\n{pieces}'], pieces: ['{sentence}'], between: '' },
    translation: { asks: ['译成{tongue}:{pieces}'], pieces: ['{sentence}', '{review}'], between: '' },
    extraction: {
      asks: ['请提取姓名、城市、日期和总额,输出 JSON:\n{pieces}'],
      pieces: ['- 发票 {nn}:{person},{city},{date},{money} 元', '- 订单 {nn}:{n} 个{item},{company},{money}'],
      between: '\n',
    },
    chat: {
      asks: ['你好!{pieces}有什么主意吗?', '我为{name}有点担心。{pieces}'],
      pieces: ['{animal}今天很{adjective},我还有{n}分钟。', '我们在{city},想着{topic}。'],
      between: '',
    },
    creative: {
      asks: ['请写一个{adjective}的故事,关于{topic}。{pieces}', '写一首{n}行的诗,关于{topic}。{pieces}'],
      pieces: ['{name}一直知道,却什么也没说。', '里面要有{animal}和{d}个{item}。'],
      between: '',
    },
    puzzle: {
      asks: ['{d}个人围坐一桌。{pieces}谁坐在{name}旁边?请逐步推理。'],
      pieces: [
        '{name}在{name}左边第{d}位。',
        '如果{name}说谎,那么{name}说真话。',
        '{name}有{n}个{item},不住在{city}。',
      ],
      between: '',
    },
    sql: {
      asks: ['写一条查询:{year}年以来每个 `{column}` 最高的 {n} 个 `{column}`。\n{pieces}'],
      pieces: ['{ddl}'],
      between: '\n',
    },
    classification: {
      asks: ['正面、中性还是负面?只答一个词。\n{pieces}', '工单{nn}:{pieces}账单、物流还是故障?'],
      pieces: ['{review}'],
      between: '',
    },
    tools: {
      asks: ['请在{city}为{d}人订{date}的桌子,名字是{person}。{pieces}', '{city}天气怎么样?{pieces}'],
      pieces: ['最多{money}元。', '我们有{n}分钟。', '不行就问{company}。'],
      between: '',
    },
  },
};
